// SPDX-License-Identifier: GPL-2.0-only
// The fake driver.
#include "fake_driver.hpp"

#include "../lazy_memory.hpp"
#include "coop/host.h"

#include <boost/asio/post.hpp>
#include <cstring>

namespace coop::ctl {

namespace {

constexpr std::uint64_t first_gpa = 5ull << 30;
constexpr std::uint64_t hole = 4ull << 20; // between extents: nothing is dense in a real host

std::byte* at(std::vector<coop_extent> const& extents, std::byte* base, std::uint64_t gpa) {
    for (auto const& extent : extents) {
        if (gpa >= extent.gpa && gpa < extent.gpa + extent.size) {
            return base + extent.map_offset + (gpa - extent.gpa);
        }
    }
    return nullptr;
}

} // namespace

class FakeMapping : public Mapping {
public:
    FakeMapping(FakeHost& host, std::vector<coop_extent> extents)
        : host_(host), extents_(std::move(extents)), memory_(size(extents_)) {
        std::lock_guard const guard(host_.mutex_);
        host_.base_ = memory_.data();
        ++host_.mappings_;
    }
    ~FakeMapping() override {
        std::lock_guard const guard(host_.mutex_);
        host_.base_ = nullptr;
        --host_.mappings_;
    }
    std::byte* base(std::size_t index) const override {
        return memory_.data() + extents_.at(index).map_offset;
    }

private:
    static std::size_t size(std::vector<coop_extent> const& extents) {
        std::size_t bytes = 0;
        for (auto const& extent : extents) {
            bytes += extent.size;
        }
        return bytes;
    }

    FakeHost& host_;
    std::vector<coop_extent> extents_;
    test::LazyMemory memory_;
};

class FakeWatch : public Watch {
public:
    FakeWatch(FakeHost& host, std::pair<unsigned, unsigned> where) : host_(host), where_(where) {
        std::lock_guard const guard(host_.mutex_);
        ++host_.watches_;
    }
    ~FakeWatch() override {
        std::lock_guard const guard(host_.mutex_);
        host_.handlers_.erase(where_);
        --host_.watches_;
    }

private:
    FakeHost& host_;
    std::pair<unsigned, unsigned> where_;
};

class FakeDriver : public Driver {
public:
    explicit FakeDriver(FakeHost& host) : host_(host) {
        std::lock_guard const guard(host_.mutex_);
        ++host_.drivers_;
        host_.ended_ = false;
        host_.start_ = {};
    }
    ~FakeDriver() override {
        std::lock_guard const guard(host_.mutex_);
        --host_.drivers_;
    }

    coop_version version() override {
        host_.call(COOP_REQUEST_VERSION);
        return host_.version;
    }
    coop_host_info host() override {
        host_.call(COOP_REQUEST_HOST);
        return host_.info;
    }
    void create(coop_create const& request) override {
        host_.call(COOP_REQUEST_CREATE);
        std::lock_guard const guard(host_.mutex_);
        if (request.vcpus > host_.most_vcpus) {
            throw DriverError(COOP_REQUEST_CREATE, COOP_E_NOT_SUPPORTED);
        }
        if (host_.info.ram_available != 0 && request.ram_bytes > host_.info.ram_available) {
            throw DriverError(COOP_REQUEST_CREATE, COOP_E_NO_MEMORY);
        }
        host_.create_ = request;
        host_.extents_.clear();
        std::uint64_t gpa = first_gpa, offset = 0, left = request.ram_bytes;
        auto add = [&](std::uint64_t size, unsigned run) {
            host_.extents_.push_back({gpa, size, offset, run, 0});
            gpa += size + hole;
            offset += size;
            left -= size;
        };
        for (unsigned run = 0; run < COOP_CREATE_RUNS; ++run) {
            if (request.runs[run] != 0) {
                add(request.runs[run], run);
            }
        }
        add(left, COOP_EXTENT_PLAIN);
    }
    std::vector<coop_extent> extents() override {
        host_.call(COOP_REQUEST_EXTENTS);
        return host_.extents_;
    }
    std::unique_ptr<Mapping> map(std::vector<coop_extent> const& extents) override {
        host_.call(COOP_REQUEST_EXTENTS);
        return std::make_unique<FakeMapping>(host_, extents);
    }
    void start(coop_start const& request) override {
        host_.call(COOP_REQUEST_START);
        host_.start_ = request;
    }
    bool run(coop_run& run) override {
        host_.call(COOP_REQUEST_RUN);
        if (run.vcpu == 0) {
            host_.tell_guest(host_.on_boot);
        }
        std::unique_lock lock(host_.mutex_);
        if (host_.interrupted_runs > 0) {
            --host_.interrupted_runs;
            return false;
        }
        host_.changed_.wait(lock, [&] { return host_.ended_; });
        auto const vcpu = run.vcpu;
        run = host_.end_;
        run.vcpu = vcpu;
        return true;
    }
    std::unique_ptr<Watch> watch(boost::asio::io_context& io, unsigned device, unsigned queue,
                                 std::function<void()> handler) override {
        host_.call(COOP_REQUEST_NOTIFIER);
        if (host_.start_.shared_gpa != 0) { // as the core does
            throw DriverError(COOP_REQUEST_NOTIFIER, COOP_E_BUSY);
        }
        std::pair const where(device, queue);
        host_.io_ = &io;
        host_.handlers_[where] = std::move(handler);
        return std::make_unique<FakeWatch>(host_, where);
    }
    void interrupt(unsigned) override {
        host_.call(COOP_REQUEST_INTERRUPT);
        host_.tell_guest(host_.on_interrupt);
    }
    coop_stats stats() override {
        host_.call(COOP_REQUEST_STATS);
        coop_stats stats{};
        stats.switches = 42;
        stats.doorbells[COOP_DOORBELL_WAIT] = 7;
        return stats;
    }
    std::string log(std::uint64_t& position) override {
        host_.call(COOP_REQUEST_LOG);
        std::lock_guard const guard(host_.mutex_);
        auto const text = host_.log_.substr(std::min<std::size_t>(position, host_.log_.size()));
        position += text.size();
        return text;
    }
    void event(std::uint64_t) override {
        host_.call(COOP_REQUEST_EVENT);
        if (host_.lost_presses > 0) {
            --host_.lost_presses;
        } else if (host_.heed_power_button) {
            host_.end_guest({0, COOP_END_POWEROFF, 0, 0, 0});
        }
    }
    void end(unsigned reason) override {
        // Ends even when the call is made to fail: a driver that cannot end a guest is not what is tested.
        host_.end_guest({0, reason, 0, 0, 0});
        host_.call(COOP_REQUEST_END);
    }

private:
    FakeHost& host_;
};

FakeHost::FakeHost() {
    version = {COOP_IOCTL_MAJOR, COOP_IOCTL_MINOR, COOP_ABI_MAJOR, COOP_ABI_MINOR, "fake"};
    info.tsc_khz = 1000000;
    info.ram_available = 1ull << 30;
    info.cpus = 2;
}

std::unique_ptr<Driver> FakeHost::open() {
    return std::make_unique<FakeDriver>(*this);
}

void FakeHost::call(coop_request request) {
    std::lock_guard const guard(mutex_);
    history_.emplace_back(request_name(request));
    if (++calls_ == fail_call) {
        throw DriverError(request, fail_error);
    }
}

std::vector<std::string> FakeHost::history() {
    std::lock_guard const guard(mutex_);
    return history_;
}

unsigned FakeHost::calls() {
    std::lock_guard const guard(mutex_);
    return calls_;
}

unsigned FakeHost::drivers() {
    std::lock_guard const guard(mutex_);
    return drivers_;
}

unsigned FakeHost::mappings() {
    std::lock_guard const guard(mutex_);
    return mappings_;
}

unsigned FakeHost::watches() {
    std::lock_guard const guard(mutex_);
    return watches_;
}

void FakeHost::end_guest(coop_run run) {
    std::lock_guard const guard(mutex_);
    if (!ended_) { // the first reason stays
        ended_ = true;
        end_ = run;
    }
    changed_.notify_all();
}

void FakeHost::print_log(std::string const& text) {
    std::lock_guard const guard(mutex_);
    log_ += text;
}

void FakeHost::ring(unsigned device, unsigned queue) {
    auto const handler = handlers_.find({device, queue});
    if (handler != handlers_.end()) {
        auto const call = handler->second;
        call();
    }
}

void FakeHost::tell_guest(std::function<void()> const& what) {
    if (what) {
        boost::asio::post(*io_, [this, what] {
            if (mappings() != 0) { // else it has ended meanwhile
                what();
            }
        });
    }
}

std::byte* FakeHost::memory(std::uint64_t gpa) {
    std::lock_guard const guard(mutex_);
    return at(extents_, base_, gpa);
}

std::uint64_t FakeHost::free_memory() {
    std::lock_guard const guard(mutex_);
    return extents_.back().gpa;
}

coop_device_page* FakeHost::device_page(unsigned device) {
    std::lock_guard const guard(mutex_);
    auto* const shared = reinterpret_cast<coop_shared*>(at(extents_, base_, start_.shared_gpa));
    return reinterpret_cast<coop_device_page*>(reinterpret_cast<std::byte*>(shared) + shared->device_offset +
                                               4096ull * device);
}

} // namespace coop::ctl
