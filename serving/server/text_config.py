"""Ascii protocol buffers of config files whose messages `tensorflow-serving-api` does not ship."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    message_factory,
    text_format,
    wrappers_pb2,
)

from tagkeras.cli.errors import UserError

_PACKAGE = "tensorflow.serving"
_SCALARS = {
    "bool": descriptor_pb2.FieldDescriptorProto.TYPE_BOOL,
    "int64": descriptor_pb2.FieldDescriptorProto.TYPE_INT64,
    "string": descriptor_pb2.FieldDescriptorProto.TYPE_STRING,
}


def define(messages: Mapping[str, Mapping[str, str]]) -> dict[str, type[Any]]:
    """Message classes of their own pool, by name.

    Args:
        messages: the fields of each message, numbered from 1 in their order: name and type, which
            is a scalar, one of `google.protobuf`'s wrappers or another of the messages, after the
            word `repeated` if there may be several.
    """
    file = descriptor_pb2.FileDescriptorProto(
        name="config.proto",
        package=_PACKAGE,
        syntax="proto3",
        dependency=[wrappers_pb2.DESCRIPTOR.name],
    )
    for name, fields in messages.items():
        message = file.message_type.add(name=name)
        for number, (field, kind) in enumerate(fields.items(), start=1):
            *repeated, kind = kind.split()
            added = message.field.add(name=field, number=number)
            added.label = added.LABEL_REPEATED if repeated else added.LABEL_OPTIONAL
            if kind in _SCALARS:
                added.type = _SCALARS[kind]
            else:
                added.type = added.TYPE_MESSAGE
                package = _PACKAGE if kind in messages else "google.protobuf"
                added.type_name = f".{package}.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}"))
        for name in messages
    }


def read(path: str | os.PathLike[str], kind: type[Any], example: str) -> Any:
    """Reads one ascii message from a file.

    Args:
        path: the file.
        kind: class of the message.
        example: such a message in few words, for who wrote another.

    Raises:
        UserError: the file cannot be read or holds no such message.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read {path}: {error}") from error
    try:
        return text_format.Parse(text, kind())
    except text_format.ParseError as error:
        raise UserError(
            f"invalid protobuf file {path}: {error}; it must be an ascii "
            f"{kind.DESCRIPTOR.name}, such as {example}"
        ) from error
