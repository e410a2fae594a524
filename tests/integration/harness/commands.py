# SPDX-License-Identifier: GPL-2.0-only
"""Commands in a machine that has the command agent."""


class Commands:
    """To be derived from: `start(command)` starts one and returns its Job."""

    def run(self, command, timeout=120, input=b""):  # pylint: disable=redefined-builtin
        """Runs a command to its end and returns a Result(status, out, err)."""
        job = self.start(command)
        if input:
            job.write(input)
        job.end_of_input()
        return job.wait(timeout)

    def check_run(self, command, timeout=120, input=b""):  # pylint: disable=redefined-builtin
        """As run, but a status other than 0 is an AssertionError; returns the text of stdout."""
        result = self.run(command, timeout, input)
        if result.status:
            raise AssertionError(f"host: '{command}' ended with status {result.status}\n{result.out}{result.err}")
        return result.out
