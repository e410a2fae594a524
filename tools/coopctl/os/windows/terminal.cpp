// SPDX-License-Identifier: GPL-2.0-only
// The console in VT mode; files and pipes where there is none.
#include "os/terminal.hpp"

#include "os/input_thread.hpp"
#include "os/windows/text.hpp"

#include <array>
#include <boost/asio/steady_timer.hpp>

namespace coop::ctl {

namespace {

constexpr DWORD pipe_poll_ms = 10;
constexpr auto resize_poll = std::chrono::milliseconds(300); // a console tells of its buffer's size only

// How many bytes at the end of text begin a character that is not whole.
std::size_t partial_character(std::string_view text) {
    for (std::size_t back = 1; back <= 3 && back <= text.size(); ++back) {
        auto const c = static_cast<unsigned char>(text[text.size() - back]);
        if (c >= 0xc0) {
            std::size_t const whole = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
            return whole > back ? back : 0;
        }
        if (c < 0x80) {
            break;
        }
    }
    return 0;
}

class WindowsTerminal : public Terminal {
public:
    explicit WindowsTerminal(boost::asio::io_context& io)
        : input_(GetStdHandle(STD_INPUT_HANDLE)),
          output_(GetStdHandle(STD_OUTPUT_HANDLE)),
          input_is_console_(GetConsoleMode(input_, &input_mode_) != 0),
          output_is_console_(GetConsoleMode(output_, &output_mode_) != 0),
          resize_(io),
          stop_(CreateEventW(nullptr, TRUE, FALSE, nullptr)),
          reader_(io, [this] { return input_is_console_ ? read_keys() : read_bytes(); }) {
        if (output_is_console_) {
            SetConsoleMode(output_, output_mode_ | ENABLE_PROCESSED_OUTPUT |
                                        ENABLE_VIRTUAL_TERMINAL_PROCESSING | DISABLE_NEWLINE_AUTO_RETURN);
        }
    }

    ~WindowsTerminal() override {
        SetEvent(stop_.get());
        reader_.stop();
        if (output_is_console_) {
            SetConsoleMode(output_, output_mode_);
        }
        if (raw_) {
            SetConsoleMode(input_, input_mode_);
        }
    }
    WindowsTerminal(WindowsTerminal const&) = delete;
    WindowsTerminal& operator=(WindowsTerminal const&) = delete;

    bool interactive() const override { return input_is_console_; }

    void make_raw() override { raw_ = SetConsoleMode(input_, ENABLE_VIRTUAL_TERMINAL_INPUT) != 0; }

    void read(std::function<void(std::string_view)> handler) override { reader_.request(std::move(handler)); }

    void write(std::string_view text) override {
        if (output_is_console_) {
            write_console(text);
            return;
        }
        while (!text.empty()) {
            DWORD count = 0;
            if (WriteFile(output_, text.data(), static_cast<DWORD>(text.size()), &count, nullptr) == 0) {
                fail_to_write();
            }
            text.remove_prefix(count);
        }
    }

    std::optional<Size> size() const override {
        CONSOLE_SCREEN_BUFFER_INFO info{};
        if (GetConsoleScreenBufferInfo(output_, &info) == 0) {
            return std::nullopt;
        }
        return Size{static_cast<std::uint16_t>(info.srWindow.Right - info.srWindow.Left + 1),
                    static_cast<std::uint16_t>(info.srWindow.Bottom - info.srWindow.Top + 1)};
    }

    void on_resize(std::function<void()> handler) override {
        watch_size(size().value_or(Size{}), std::move(handler));
    }

private:
    [[noreturn]] static void fail_to_write() {
        throw Failure(ExitCode::failure, "cannot write to standard output");
    }

    void write_console(std::string_view text) {
        std::string const all = held_ + std::string(text);
        auto const partial = partial_character(all);
        held_ = all.substr(all.size() - partial);
        auto const wide = to_wide(std::string_view(all).substr(0, all.size() - partial));
        std::wstring_view left = wide;
        while (!left.empty()) {
            constexpr std::size_t most = 8192; // older consoles refuse more than 64 KiB
            DWORD count = 0;
            if (WriteConsoleW(output_, left.data(), static_cast<DWORD>(std::min(left.size(), most)), &count,
                              nullptr) == 0) {
                fail_to_write();
            }
            left.remove_prefix(count);
        }
    }

    void watch_size(Size known, std::function<void()> handler) {
        resize_.expires_after(resize_poll);
        resize_.async_wait(
            [this, known, handler = std::move(handler)](boost::system::error_code error) mutable {
                if (error) {
                    return;
                }
                auto const now = size().value_or(known);
                if (now.columns != known.columns || now.rows != known.rows) {
                    handler();
                }
                watch_size(now, std::move(handler));
            });
    }

    // False when we are to end; a pipe can only be looked at now and then.
    bool wait_for_pipe() {
        DWORD available = 0;
        while (PeekNamedPipe(input_, nullptr, 0, nullptr, &available, nullptr) != 0 && available == 0) {
            if (WaitForSingleObject(stop_.get(), pipe_poll_ms) == WAIT_OBJECT_0) {
                return false;
            }
        }
        return true;
    }

    std::string read_bytes() {
        if (GetFileType(input_) == FILE_TYPE_PIPE && !wait_for_pipe()) {
            return {};
        }
        std::array<char, 4096> buffer;
        DWORD count = 0;
        if (ReadFile(input_, buffer.data(), buffer.size(), &count, nullptr) == 0) {
            return {};
        }
        return {buffer.data(), count};
    }

    // What keys send, as the console's VT mode has it; empty only at the end.
    std::string read_keys() {
        HANDLE const both[] = {stop_.get(), input_};
        for (;;) {
            std::array<INPUT_RECORD, 128> records;
            DWORD count = 0;
            if (WaitForMultipleObjects(2, both, FALSE, INFINITE) != WAIT_OBJECT_0 + 1 ||
                ReadConsoleInputW(input_, records.data(), records.size(), &count) == 0) {
                return {};
            }
            for (DWORD i = 0; i < count; ++i) {
                auto const& key = records[i].Event.KeyEvent;
                if (records[i].EventType == KEY_EVENT && key.bKeyDown != 0 && key.uChar.UnicodeChar != 0) {
                    typed_.append(key.wRepeatCount, key.uChar.UnicodeChar);
                }
            }
            // The first half of a character beyond 16 bits waits for the other.
            bool const half = !typed_.empty() && IS_HIGH_SURROGATE(typed_.back());
            auto const whole = typed_.substr(0, typed_.size() - (half ? 1 : 0));
            if (!whole.empty()) {
                typed_.erase(0, whole.size());
                return to_utf8(whole);
            }
        }
    }

    HANDLE input_;
    HANDLE output_;
    DWORD input_mode_ = 0;
    DWORD output_mode_ = 0;
    bool input_is_console_;
    bool output_is_console_;
    bool raw_ = false;
    std::string held_;   // the first bytes of a character
    std::wstring typed_; // the reader's
    boost::asio::steady_timer resize_;
    Handle stop_;
    InputThread reader_; // last: it uses all above
};

} // namespace

std::unique_ptr<Terminal> Terminal::open(boost::asio::io_context& io) {
    return std::make_unique<WindowsTerminal>(io);
}

} // namespace coop::ctl
