import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tagkeras.data.facts import FactSchema
from tagkeras.layers import UserDescriptor

COUNTRIES = ("US", "GB", "CA", "AU", "NZ")
NAN = float("nan")


def describe(layer, *users):
    """Descriptors of (age, gender, country, latitude, longitude) tuples."""
    return layer(to_inputs(users)).numpy()


def to_inputs(users):
    age, gender, country, latitude, longitude = (
        list(column) for column in zip(*users, strict=True)
    )
    return {
        "age": tf.constant(age, tf.float32),
        "gender": tf.constant(gender),
        "country": tf.constant(country),
        "latitude": tf.constant(latitude, tf.float32),
        "longitude": tf.constant(longitude, tf.float32),
    }


def oracle(age, gender, country, latitude, longitude, decimals):
    """The definition, in float64, one user at a time."""
    vector = [min(max(age, 0), 100) / 100 if np.isfinite(age) else 0.5]
    vector.append({"female": -1.0, "male": 1.0}.get(gender, 0.0))
    vector += [float(country.upper() == code) for code in COUNTRIES]
    if not (np.isfinite(latitude) and np.isfinite(longitude)):
        return [*vector, 0.5, 0.5, 0.5]
    # Halves are decided in float32, where the layer sees them.
    scale = np.float32(10**decimals)
    degrees = np.round(np.float32([latitude, longitude]) * scale) / scale
    phi, theta = np.deg2rad(degrees.astype(np.float64))
    point = [np.cos(phi) * np.cos(theta), np.cos(phi) * np.sin(theta), np.sin(phi)]
    return [*vector, *((value + 1) / 2 for value in point)]


def test_by_hand():
    layer = UserDescriptor(FactSchema(("US", "GB")))
    assert layer.size == 7
    described = describe(
        layer,
        (34, "female", "GB", 0.0, 0.0),
        (120, "male", "US", 0.0, 90.0),
        (NAN, "", "", NAN, 10.0),
        (-3, "other", "FR", 90.0, 77.0),
    )
    expected = [
        [0.34, -1, 0, 1, 1, 0.5, 0.5],
        [1, 1, 1, 0, 0.5, 1, 0.5],
        [0.5, 0, 0, 0, 0.5, 0.5, 0.5],
        [0, 0, 0, 0, 0.5, 0.5, 1],
    ]
    np.testing.assert_allclose(described, expected, atol=1e-6)


@settings(max_examples=100, deadline=None)
@given(
    st.one_of(st.just(NAN), st.floats(-200, 200, width=32)),
    st.sampled_from(["female", "male", "", "other", "Female"]),
    st.sampled_from([*COUNTRIES, "", "FR", "us"]),
    st.one_of(st.just(NAN), st.floats(-90, 90, width=32)),
    st.one_of(st.just(NAN), st.just(float("inf")), st.floats(-180, 180, width=32)),
    st.integers(0, 4),
)
def test_agrees_with_the_definition(age, gender, country, latitude, longitude, decimals):
    user = (age, gender, country, latitude, longitude)
    described = describe(UserDescriptor(FactSchema(COUNTRIES, decimals)), user)[0]
    np.testing.assert_allclose(described, oracle(*user, decimals), atol=2e-6)
    assert (np.abs(described) <= 1 + 1e-6).all()


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ((10.0, 180.0), (10.0, -180.0)),  # the date line
        ((90.0, 0.0), (90.0, 123.4)),  # the poles
        ((-90.0, -60.0), (-90.0, 60.0)),
        ((51.507, -0.128), (51.512, -0.061)),  # within the rounding
        ((10.0, NAN), (NAN, 10.0)),
    ],
)
def test_the_same_place(here, there):
    layer = UserDescriptor(FactSchema(COUNTRIES))
    near, far = describe(layer, (30, "", "", *here), (30, "", "", *there))
    np.testing.assert_allclose(near, far, atol=1e-6)


def test_rounded_places_stay_where_they_are():
    layer = UserDescriptor(FactSchema(COUNTRIES, 2))
    latitude = tf.constant([51.50735, -33.86882, NAN, 12.0])
    longitude = tf.constant([-0.12776, 151.20929, 3.0, float("inf")])
    once = layer.round_location(latitude, longitude)
    expected = [[51.51, -0.13], [-33.87, 151.21], [NAN, NAN], [NAN, NAN]]
    np.testing.assert_allclose(once, expected, atol=1e-5)
    np.testing.assert_array_equal(layer.round_location(once[:, 0], once[:, 1]), once)


def test_categories_and_numbers_of_ones_own():
    rng = np.random.default_rng(0)
    values = {f"c{n}": tuple(f"v{n}-{m}" for m in range(50)) for n in range(20)}
    scales = {f"n{n}": (float(rng.normal() * 10**n), 10.0 ** (n - 4)) for n in range(10)}
    layer = UserDescriptor(FactSchema(COUNTRIES, 1, values, scales))
    assert layer.size == 10 + 20 * 50 + 10
    users = [(30.0, "male", "GB", 1.5, 2.5), (NAN, "", "", NAN, NAN)] * 100
    inputs = to_inputs(users)
    expected = [[oracle(*user, 1) for user in users]]
    for name, of_category in values.items():
        told = rng.choice([*of_category, "", "another"], len(users))
        inputs[name] = tf.constant(told)
        expected.append(np.array([[value == text for value in of_category] for text in told]))
    for name, (mean, deviation) in scales.items():
        told = np.float32(mean + deviation * rng.normal(size=len(users)) * 4)
        told[::7] = NAN
        inputs[name] = tf.constant(told)
        scaled = np.clip((told.astype(np.float64) - mean) / deviation, -5, 5)
        expected.append(np.nan_to_num(scaled)[:, np.newaxis])
    np.testing.assert_allclose(layer(inputs), np.concatenate(expected, axis=1), atol=1e-6)
    again = UserDescriptor.from_config(layer.get_config())
    np.testing.assert_array_equal(again(inputs), layer(inputs))


def test_no_countries_and_no_users():
    layer = UserDescriptor(FactSchema())
    assert describe(layer, (30, "male", "US", 1.0, 2.0)).shape == (1, 5)
    nobody = {name: value[:0] for name, value in to_inputs([(1.0, "", "", 1.0, 1.0)]).items()}
    assert layer(nobody).shape == (0, 5)


def test_saved_with_stock_ops_alone(tmp_path):
    layer = UserDescriptor(FactSchema(COUNTRIES))
    specs = {
        name: tf.TensorSpec(
            [None], tf.string if name in ("gender", "country") else tf.float32, name
        )
        for name in ("age", "gender", "country", "latitude", "longitude")
    }
    module = tf.Module()
    function = tf.function(lambda **inputs: {"u": layer(inputs)})
    signature = function.get_concrete_function(**specs)
    tf.saved_model.save(module, str(tmp_path / "m"), signatures=signature)
    loaded = tf.saved_model.load(str(tmp_path / "m")).signatures["serving_default"]
    inputs = to_inputs([(34, "female", "GB", 51.5, -0.1), (NAN, "", "", NAN, NAN)])
    np.testing.assert_array_equal(loaded(**inputs)["u"], layer(inputs))
