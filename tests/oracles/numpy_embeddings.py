"""The three embeddings as their formulas read, one post at a time, in NumPy."""

import numpy as np

import tagkeras


def normalize(x):
    norm = np.sqrt((x**2).sum())
    return x / norm if norm > 0 else x


def bilinear(weights, x, u):
    del u
    return weights["P"] @ normalize(x)


def user_biased(weights, x, u):
    return weights["P"] @ normalize(x) + weights["S"] @ u


def multiplicative(weights, x, u):
    """By the implied tensor Z_ijl, which the layer never forms."""
    h = np.maximum(weights["W"] @ u + weights["b"], 0)
    Z = np.einsum("ik,jk,lk->ijl", weights["alpha"], weights["beta"], weights["gamma"])
    phi = np.einsum("ijl,i,l->j", Z, h, normalize(x))
    return phi + weights["S"] @ u + weights["c"] if "S" in weights else phi


FORMULAS = {"bilinear": bilinear, "user_biased": user_biased, "multiplicative": multiplicative}


def weights_of(layer):
    return {weight.name: weight.numpy().astype(np.float64) for weight in layer.weights}


def make_embedding(name, *, rank, user_hidden, **kwargs):
    """The layer of that name; the others than the multiplicative one have no rank."""
    if name == "multiplicative":
        kwargs |= {"rank": rank, "user_hidden": user_hidden}
    return tagkeras.layers.get(name, **kwargs)
