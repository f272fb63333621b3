"""A client of a name with several addresses, as a headless Service has."""

import contextlib

from serving_helpers import photo

from serving import HashtagClient, ModelServer
from serving.server.models import model_config

VERSIONS = (1, 2)


def test_calls_are_spread_over_all_addresses(hashtag_models):
    with contextlib.ExitStack() as stack:
        addresses = []
        for version in VERSIONS:
            config = model_config.single_model("hashtags", str(hashtag_models))
            policy = config.model_config_list.config[0].model_version_policy
            policy.specific.versions.append(version)
            server = stack.enter_context(ModelServer(config))
            addresses.append(f"127.0.0.1:{server.port}")
        client = stack.enter_context(HashtagClient(f"ipv4:{','.join(addresses)}", "hashtags"))
        answered = set()
        while answered != set(VERSIONS):  # the second connection may take longer
            answered.add(client.predict([photo()])[0].version)
        # From then on in turns.
        turns = [client.predict([photo()])[0].version for _ in range(6)]
    assert sorted(turns) == [1, 1, 1, 2, 2, 2]
