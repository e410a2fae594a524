// SPDX-License-Identifier: GPL-2.0-only
// Each request, and the watch on an event.
#include "os/system_driver.hpp"

#include <algorithm>

namespace coop::ctl {

namespace {

// The wait outlives the Watch by one completion, so its state is shared.
class EventWaiter : public std::enable_shared_from_this<EventWaiter> {
public:
    EventWaiter(std::unique_ptr<HostEvent> event, std::function<void()> handler)
        : event_(std::move(event)), handler_(std::move(handler)) {}

    std::uint64_t handle() { return event_->handle(); }

    void wait() {
        event_->wait([self = shared_from_this()](boost::system::error_code error) {
            if (!error && self->handler_) {
                auto const handler = self->handler_;
                handler();
                if (self->handler_) {
                    self->wait();
                }
            }
        });
    }

    void stop() {
        handler_ = nullptr;
        event_.reset();
    }

private:
    std::unique_ptr<HostEvent> event_;
    std::function<void()> handler_;
};

class EventWatch : public Watch {
public:
    EventWatch(SystemDriver& driver, coop_notifier_request where, std::shared_ptr<EventWaiter> waiter)
        : driver_(driver), where_(where), waiter_(std::move(waiter)) {}
    ~EventWatch() override {
        where_.handle = ~std::uint64_t{0};
        try {
            driver_.put(COOP_REQUEST_NOTIFIER, &where_, sizeof where_, {});
        } catch (DriverError const&) { // NOLINT(bugprone-empty-catch): once started it goes with the guest
        }
        waiter_->stop();
    }
    EventWatch(EventWatch const&) = delete;
    EventWatch& operator=(EventWatch const&) = delete;

private:
    SystemDriver& driver_;
    coop_notifier_request where_;
    std::shared_ptr<EventWaiter> waiter_;
};

} // namespace

template <typename T>
T SystemDriver::call(coop_request number, T data, std::span<std::byte> array) {
    while (!put(number, &data, sizeof data, array)) {
    }
    return data;
}

coop_version SystemDriver::version() {
    auto data = call<coop_version>(COOP_REQUEST_VERSION, {});
    data.build[sizeof data.build - 1] = '\0';
    return data;
}

coop_host_info SystemDriver::host() {
    return call<coop_host_info>(COOP_REQUEST_HOST, {});
}

void SystemDriver::create(coop_create const& request) {
    call(COOP_REQUEST_CREATE, request);
}

std::vector<coop_extent> SystemDriver::extents() {
    std::vector<coop_extent> array(64);
    for (;;) {
        auto const room = std::as_writable_bytes(std::span(array));
        auto const data =
            call(COOP_REQUEST_EXTENTS,
                 coop_extents{address(room.data()), static_cast<coop_u32>(array.size()), 0}, room);
        bool const complete = data.count <= array.size();
        array.resize(data.count);
        if (complete) {
            return array;
        }
    }
}

void SystemDriver::start(coop_start const& request) {
    call(COOP_REQUEST_START, request);
}

bool SystemDriver::run(coop_run& run) {
    return put(COOP_REQUEST_RUN, &run, sizeof run, {});
}

std::unique_ptr<Watch> SystemDriver::watch(boost::asio::io_context& io, unsigned device, unsigned queue,
                                           std::function<void()> handler) {
    auto waiter = std::make_shared<EventWaiter>(make_event(io), std::move(handler));
    auto const where = call(COOP_REQUEST_NOTIFIER, coop_notifier_request{device, queue, waiter->handle()});
    auto result = std::make_unique<EventWatch>(*this, where, waiter);
    waiter->wait();
    return result;
}

void SystemDriver::interrupt(unsigned device) {
    call(COOP_REQUEST_INTERRUPT, coop_interrupt{device, 0});
}

coop_stats SystemDriver::stats() {
    return call<coop_stats>(COOP_REQUEST_STATS, {});
}

std::string SystemDriver::log(std::uint64_t& position) {
    std::string text(65536, '\0');
    auto const room = std::as_writable_bytes(std::span(text));
    auto const data =
        call(COOP_REQUEST_LOG,
             coop_log{position, address(room.data()), static_cast<coop_u32>(text.size()), 0}, room);
    position = data.position;
    text.resize(std::min<std::size_t>(data.count, text.size()));
    return text;
}

void SystemDriver::event(std::uint64_t bits) {
    call(COOP_REQUEST_EVENT, coop_event{bits});
}

void SystemDriver::end(unsigned reason) {
    call(COOP_REQUEST_END, coop_end{reason, 0});
}

} // namespace coop::ctl
