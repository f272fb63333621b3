"""The REST client of a served hashtag model: imports neither TensorFlow nor gRPC."""

import time
from typing import Any

from serving.client import rest_wire
from serving.client.answers import RequestError, StatusCode
from serving.client.blocking_client import BlockingClient
from serving.client.questions import Answered, AnswerT, Question
from serving.client.rest_connection import RestConnection


class RestHashtagClient(BlockingClient):
    """The client of the REST API; see `BlockingClient` for its arguments and methods.

    `server` is `host:port`, `http://host:port` or `https://host:port`. A REST answer does not name
    the version that gave it. Where the answer of a method names it, the client first asks which
    version is served and then asks this version, two requests in all (one with `version` given).

    Example:
        with RestHashtagClient("http://localhost:8501", "tags") as client:
            (answer,) = client.predict(["ball.jpg"], [User(age=30, country="GB")])
            print(answer.hashtags[0].hashtag)
    """

    def close(self) -> None:
        """Closes the connections."""
        self._connection.close()

    def _open(self) -> None:
        self._connection = RestConnection(self._served)

    def _ask(self, question: Question[AnswerT]) -> AnswerT:
        served = self._served
        deadline = time.monotonic() + served.timeout
        body = rest_wire.body(question)
        if served.version is not None or not question.tells_version:
            document = self._connection.request("POST", f"{self._path()}:predict", deadline, body)
            version = served.version or 0  # a question that does not tell it
        else:
            version, document = self._ask_current(deadline, body)
        try:
            outputs = rest_wire.outputs(question, document)
        except ValueError as error:
            raise self._connection.not_the_api("200, without outputs") from error
        return question.read(Answered(served.model, version, outputs))

    def _ask_current(self, deadline: float, body: bytes) -> tuple[int, Any]:
        """Asks the version that is served now, and names it."""
        version = self._current_version(deadline)
        try:
            return version, self._predict(version, deadline, body)
        except RequestError as error:
            if error.code is not StatusCode.NOT_FOUND:
                raise
        # The version has been unloaded in between; another one has taken its place.
        version = self._current_version(deadline)
        return version, self._predict(version, deadline, body)

    def _predict(self, version: int, deadline: float, body: bytes) -> Any:
        path = rest_wire.model_path(self._served.model, version)
        return self._connection.request("POST", f"{path}:predict", deadline, body)

    def _current_version(self, deadline: float) -> int:
        path = self._path()
        labelled = self._served.version_label is not None
        if labelled:
            path += "/metadata"  # long, but the status takes no notice of labels
        document = self._connection.request("GET", path, deadline)
        try:
            if labelled:
                return int(document["model_spec"]["version"])
            versions = [
                int(status["version"])
                for status in document["model_version_status"]
                if status["state"] == "AVAILABLE"
            ]
        except (KeyError, TypeError, ValueError) as error:
            raise self._connection.not_the_api("200, without a version") from error
        if not versions:
            raise self._served.explained(StatusCode.NOT_FOUND, "no version is available")
        return max(versions)

    def _path(self) -> str:
        served = self._served
        return rest_wire.model_path(served.model, served.version, served.version_label)
