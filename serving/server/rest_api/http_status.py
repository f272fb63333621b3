"""HTTP statuses of the REST API."""

import http

import grpc

_CLIENT_CLOSED_REQUEST = 499
_STATUSES = {
    grpc.StatusCode.OK: 200,
    grpc.StatusCode.CANCELLED: _CLIENT_CLOSED_REQUEST,
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.ALREADY_EXISTS: 409,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.FAILED_PRECONDITION: 400,
    grpc.StatusCode.ABORTED: 409,
    grpc.StatusCode.OUT_OF_RANGE: 400,
    grpc.StatusCode.UNIMPLEMENTED: 501,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.UNAUTHENTICATED: 401,
}


def http_status(code: grpc.StatusCode) -> int:
    """The HTTP status that stands for a gRPC one; 500 for those that HTTP cannot tell apart."""
    return _STATUSES.get(code, 500)


def reason(status: int) -> str:
    """The words that follow a status, such as `Not Found`."""
    if status == _CLIENT_CLOSED_REQUEST:  # not a standard one
        return "Client Closed Request"
    return http.HTTPStatus(status).phrase
