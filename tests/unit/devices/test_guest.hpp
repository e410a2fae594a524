// SPDX-License-Identifier: GPL-2.0-only
// A guest with one device, for tests: a shared area in RAM, a bus, and the status handshake as a driver does
// it.
#pragma once

#include "bell.hpp"
#include "coop/guest/abi.h"
#include "devices/device_bus.hpp"
#include "test_driver.hpp"
#include "test_ram.hpp"

#include <atomic>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

namespace coop::test {

class TestGuest {
public:
    static constexpr std::uint64_t shared_gpa = TestRam::default_gpa;
    static constexpr std::uint64_t rings_gpa = shared_gpa + 0x10000;
    static constexpr std::uint64_t data_gpa = shared_gpa + 0x20000;

    explicit TestGuest(std::shared_ptr<Device> device) {
        bus_.on_fault([this](unsigned, std::string const& reason) {
            faults_.push_back(reason);
            ++faults_seen_;
        });
        sizes_ = device->queue_sizes();
        bus_.add(std::move(device));
        shared_ = new (ram_.at(shared_gpa)) coop_shared{};
        shared_->magic = COOP_SHARED_MAGIC;
        shared_->size = 3 * 4096;
        shared_->vcpus = 1;
        shared_->vcpu_offset = 4096;
        shared_->devices = 1;
        shared_->device_offset = 2 * 4096;
        bus_.attach(shared_);
        page_ = reinterpret_cast<coop_device_page*>(ram_.at(shared_gpa + shared_->device_offset));
    }

    TestRam& ram() { return ram_; }
    DeviceBus& bus() { return bus_; }
    coop_shared* shared() { return shared_; }
    coop_device_page& page() { return *page_; }
    TestDriver& queue(unsigned index) { return *queues_.at(index); }
    std::vector<std::string> const& faults() const { return faults_; }
    unsigned faults_seen() const { return faults_seen_; } // from any thread
    std::atomic<unsigned>& raised() { return raised_; }

    // One status write and the device's answer.
    std::uint32_t set_status(std::uint32_t status) {
        page_->status = status;
        std::atomic_ref<coop_u32>{page_->command}.fetch_add(1, std::memory_order_release);
        bus_.doorbell(0, COOP_QUEUE_CONFIG);
        return page_->command_seen == page_->command ? page_->status_seen : ~0u;
    }
    // Waits for the end of a reset that set_status began; its answer.
    std::uint32_t wait_for_reset() {
        while (!bus_.idle()) {
            heard_ = again_.wait(heard_);
            bus_.doorbell(0, COOP_QUEUE_CONFIG);
        }
        return page_->status_seen;
    }
    // Section 3.1.1, up to and with FEATURES_OK; queues laid out and enabled.
    std::uint32_t negotiate(std::uint64_t features) {
        set_status(0);
        wait_for_reset();
        set_status(1);
        set_status(1 | 2);
        page_->driver_features = features;
        return set_status(1 | 2 | 8);
    }
    void enable_queues() {
        queues_.clear();
        std::uint64_t gpa = rings_gpa;
        for (unsigned i = 0; i < sizes_.size(); ++i) {
            coop_queue& queue = page_->queue[i];
            queues_.push_back(std::make_unique<TestDriver>(ram_, gpa, sizes_[i]));
            auto const layout = queues_.back()->layout();
            queue.size = layout.size;
            queue.desc_gpa = layout.desc_gpa;
            queue.driver_gpa = layout.driver_gpa;
            queue.device_gpa = layout.device_gpa;
            queue.enabled = 1;
            clear(gpa, TestDriver::bytes_for(sizes_[i])); // what an earlier driver left
            gpa += (TestDriver::bytes_for(sizes_[i]) + 4095) & ~4095ull;
        }
    }
    std::uint32_t start(std::uint64_t features) {
        negotiate(features);
        enable_queues();
        return set_status(1 | 2 | 8 | 4);
    }
    std::uint32_t start() { return start(page_->device_features); }

    // What an interrupt handler does first.
    std::uint64_t take_interrupts() { return std::atomic_ref<coop_u64>{page_->interrupts}.exchange(0); }

private:
    void clear(std::uint64_t gpa, std::uint64_t bytes) {
        std::memset(ram_.ram().translate(gpa, bytes), 0, bytes);
    }

    TestRam ram_;
    std::vector<std::uint16_t> sizes_;
    std::atomic<unsigned> raised_{0};
    std::vector<std::string> faults_;
    std::atomic<unsigned> faults_seen_{0};
    Bell again_;
    unsigned heard_ = 0;
    DeviceBus bus_{ram_.ram(), [this](unsigned) { ++raised_; }, [this](unsigned) { again_.ring(); }};
    coop_shared* shared_ = nullptr;
    coop_device_page* page_ = nullptr;
    std::vector<std::unique_ptr<TestDriver>> queues_;
};

} // namespace coop::test
