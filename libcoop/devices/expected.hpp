// SPDX-License-Identifier: GPL-2.0-only
// Results of hosted code: a value, or an error meant for a person. (std::expected is C++23; freestanding code
// uses result.hpp, whose coop::Error is a number.)
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace coop {

// One sentence without a final period or newline.
struct Failure {
    std::string message;     // what failed and why
    std::string advice = {}; // what to do about it; empty if nothing is known
};

// A T or a Failure. Ask before you look: value() and error() throw std::bad_variant_access on the wrong side.
template <typename T>
class [[nodiscard]] Expected {
public:
    // Implicit on purpose, so that `return value;` and `return Failure{...};` both work.
    // NOLINTNEXTLINE(google-explicit-constructor)
    Expected(T value) : state_{std::in_place_index<0>, std::move(value)} {}
    // NOLINTNEXTLINE(google-explicit-constructor)
    Expected(Failure error) : state_{std::in_place_index<1>, std::move(error)} {}

    bool has_value() const { return state_.index() == 0; }
    explicit operator bool() const { return has_value(); }

    T& value() & { return std::get<0>(state_); }
    T const& value() const& { return std::get<0>(state_); }
    T&& value() && { return std::get<0>(std::move(state_)); }
    T& operator*() & { return value(); }
    T const& operator*() const& { return value(); }
    T&& operator*() && { return std::move(*this).value(); }
    T* operator->() { return &value(); }
    T const* operator->() const { return &value(); }

    Failure const& error() const { return std::get<1>(state_); }

private:
    std::variant<T, Failure> state_;
};

template <>
class [[nodiscard]] Expected<void> {
public:
    Expected() = default;
    // NOLINTNEXTLINE(google-explicit-constructor)
    Expected(Failure error) : error_{std::move(error)} {}

    bool has_value() const { return !error_.has_value(); }
    explicit operator bool() const { return has_value(); }
    Failure const& error() const { return error_.value(); }

private:
    std::optional<Failure> error_;
};

} // namespace coop
