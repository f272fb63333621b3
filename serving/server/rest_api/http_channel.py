"""Waitress' connections, with answers as JSON where a request is no HTTP at all."""

from typing import Any

import waitress.channel
import waitress.parser
import waitress.task

from serving.server.rest_api import json_encoding


class Parser(waitress.parser.HTTPRequestParser):
    """Reads a request; a URI that Python cannot take apart is a bad one like others."""

    def parse_header(self, header_plus: bytes) -> None:
        """Reads the request line and the headers.

        Raises:
            ParsingError: they are not HTTP.
        """
        try:
            super().parse_header(header_plus)
        except ValueError as error:
            raise waitress.parser.ParsingError("Bad URI") from error


class ErrorTask(waitress.task.ErrorTask):
    """Answers a request that could not be read, and closes the connection."""

    def execute(self) -> None:
        """Writes the response."""
        error: Any = self.request.error
        body = json_encoding.error(f"{error.reason}: {error.body}")
        self.status = f"{error.code} {error.reason}"
        self.response_headers.append(("Content-Type", "application/json"))
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class HttpChannel(waitress.channel.HTTPChannel):
    """A client's connection."""

    parser_class = Parser
    error_task_class = ErrorTask
