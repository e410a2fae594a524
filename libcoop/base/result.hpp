// SPDX-License-Identifier: GPL-2.0-only
// Result<T>: a value, or the reason why the host refused. For host refusals only: a misbehaving guest is
// ended with a reason, and our own bugs are COOP_ASSERTs.
#pragma once

#include "coop/host.h"

#include <new>
#include <utility>

namespace coop {

// One of the COOP_E_* values.
class [[nodiscard]] Error {
public:
    constexpr explicit Error(int code) : code_{code} {}
    // As the C seams return it.
    constexpr int negative() const { return -code_; }
    constexpr int code() const { return code_; }

private:
    int code_;
};

template <class T>
class [[nodiscard]] Result {
public:
    // NOLINTNEXTLINE(google-explicit-constructor): so that `return value;` reads as in any function
    Result(T value) : ok_{true}, value_{std::move(value)} {}
    // NOLINTNEXTLINE(google-explicit-constructor)
    Result(Error error) : ok_{false}, error_{error} {}
    Result(Result&& other) noexcept : ok_{other.ok_} {
        if (ok_)
            new (&value_) T{std::move(other.value_)};
        else
            new (&error_) Error{other.error_};
    }
    Result& operator=(Result&&) = delete;
    ~Result() {
        if (ok_)
            value_.~T();
    }

    explicit operator bool() const { return ok_; }
    T take() { return std::move(value_); }
    Error error() const { return error_; }

private:
    bool ok_;
    union {
        T value_;
        Error error_;
    };
};

struct Nothing {};

template <>
class [[nodiscard]] Result<Nothing> {
public:
    // NOLINTNEXTLINE(google-explicit-constructor)
    constexpr Result(Nothing) : code_{0} {}
    // NOLINTNEXTLINE(google-explicit-constructor)
    constexpr Result(Error error) : code_{error.code()} {}
    constexpr explicit operator bool() const { return code_ == 0; }
    constexpr Nothing take() const { return {}; }
    constexpr Error error() const { return Error{code_}; }
    // As the C seams return it: 0 or a negative error.
    constexpr int status() const { return -code_; }

private:
    int code_;
};
using Status = Result<Nothing>;
inline constexpr Nothing ok{};

} // namespace coop

// The value of a Result, or return its error from the enclosing function.
#define COOP_TRY(expression)         \
    ({                               \
        auto result_ = (expression); \
        if (!result_)                \
            return result_.error();  \
        result_.take();              \
    })
