"""Products of rows and one matrix, stored as factors."""

from collections.abc import Sequence

import numpy as np

from normcli.blocks.block import Block
from normcli.blocks.expressions import Expression, product
from normcli.blocks.record import Array, per_group
from normcli.caching import cached_property
from normcli.errors import NotInvertibleError
from normcli.transforms import LAST, Terms, Transform


class Linear(Transform, frozen=True, dict=True):
    """y = ((x − mean − mean_low) / scale) · basis · diag(1/spread) · rotation.

    `basis` has orthonormal columns, and `rotation` rotates directions and drops some, so that at full rank the inverse
    consists of the same factors transposed, and no matrix is inverted numerically. Dividing by `scale`
    first keeps differing units out of the product. With `prefix`, the outputs are components called prefix1 … prefixK.
    """

    mean: Array = per_group("feature")  # input units
    mean_low: Array = per_group("feature")
    scale: Array = per_group("feature", holds="positive")  # input units
    basis: Array = per_group("feature", "direction")
    spread: Array = per_group("direction", holds="positive")
    rotation: Array = per_group("direction", "component")
    prefix: str | None = None

    def fault(self) -> tuple[str, str] | None:
        (features, directions), components = self.basis.shape[1:], self.rotation.shape[2]
        if not 1 <= directions <= features:
            return "spread", f"{directions} directions of {features} columns"
        if self.prefix is None and components != features:
            return "rotation", f"{components} columns, not {features}"
        if not 1 <= components <= features:
            return "rotation", f"{components} components of {features} columns"
        return ("prefix", "must not be empty") if self.prefix == "" else None

    def outputs(self, names: Sequence[str]) -> tuple[str, ...]:
        if self.prefix is None:
            return tuple(names)
        return component_names(self.prefix, self.rotation.shape[2])

    def terms(self) -> Terms:
        directions = int(np.any(self.basis[0] != 0.0, axis=0).sum())
        return Terms(values={"rank": min(directions, self._turned) if self.prefix is None else directions})

    def explained(self, covariance: Array, *, scaled: bool = False) -> Terms:
        """Variance explained by each component, or if outputs are not components, by all together; `covariance`
        (features, features) is of the data, in input units, or if `scaled`, in units of `scale`."""
        weights = self._forth if scaled else self._forth / self.scale[0][:, None]
        named = self.prefix is not None
        if named:
            directions = weights / np.sqrt((weights**2).sum(axis=0))
        else:
            directions = np.linalg.svd(weights)[0][:, : self._turned]
        variances = np.einsum("ij,ij->j", directions, covariance @ directions)
        shares = variances / np.trace(covariance)
        columns = {"variance": variances, "explained": shares, "cumulative": np.cumsum(shares)} if named else {}
        return Terms(components=columns, values={"explained": float(shares.sum())})

    @property
    def _turned(self) -> int:
        """Number of directions that the first group's rotation retains."""
        return int(np.linalg.matrix_rank(self.rotation[0], rtol=0.5))  # its singular values: 0 or 1

    @cached_property
    def _forth(self) -> Array:
        return np.asarray((self.basis[0] / self.spread[0]) @ self.rotation[0])

    @cached_property
    def _back(self) -> Array:
        return np.asarray(self.rotation[0].T @ (self.basis[0] * self.spread[0]).T)

    @cached_property
    def _sizes(self) -> tuple[Array, Array]:
        """`_forth` and `_back` with the absolute values of all factors."""
        basis, rotation = np.abs(self.basis[0]), np.abs(self.rotation[0])
        return basis / self.spread[0] @ rotation, rotation.T @ (basis * self.spread[0]).T

    def _normalized(self, block: Block) -> Array:
        x = np.empty((block.rows, len(block.columns)), order="F")
        for j, (values, column) in enumerate(zip(block.columns, x.T, strict=True)):
            np.subtract(values, self.mean[0, j], out=column)
            column -= self.mean_low[0, j]
            column /= self.scale[0, j]
        return _times(x, self._forth, block)

    def formula(self, x: Expression) -> Expression:
        return (
            product((x - self.parameter("mean") - self.parameter("mean_low")) / self.parameter("scale"), self._forth)
            + 0.0
        )

    def inverse_formula(self, y: Expression) -> Expression:
        self.check_invertible()
        return (
            (product(y, self._back) + 0.0) * self.parameter("scale")
            + self.parameter("mean_low")
            + self.parameter("mean")
        )

    def check_invertible(self) -> None:
        features = self.basis.shape[1]
        directions = int(np.any(self.basis != 0.0, axis=1).sum(axis=1).min())  # groups with fewer are padded with zeros
        rank = min(directions, int(np.linalg.matrix_rank(self.rotation, rtol=0.5).min()))  # its singular values: 0 or 1
        if rank < features:
            raise NotInvertibleError(f"only {rank} of {features} directions were kept, the rest is gone")

    def _inverse(self, block: Block) -> Array:
        out = _times(block.values, self._back, block)
        for j, column in enumerate(out.T):
            column *= self.scale[0, j]
            column += self.mean_low[0, j]
            column += self.mean[0, j]
        return out

    def _inverse_error(self, block: Block, error: Array, restored: Block) -> Array:
        """By the triangle inequality; a sum of d products has a rounding error of about √d units, and so do the entries
        of the product of factors, which may be smaller than their summands."""
        rounding, (forth, back) = 4.0 * LAST * np.sqrt(len(self.scale[0])), self._sizes
        x = np.abs((restored.values - self.mean[0]) / self.scale[0])
        parts = (error.T, x.T, np.abs(block.values).T)
        matrices = (np.abs(self._back), rounding * forth @ back, rounding * back)
        scaled = sum(m.T @ part for m, part in zip(matrices, parts, strict=True))
        return np.asarray((scaled * self.scale[0][:, None]).T)


def component_names(prefix: str, count: int) -> tuple[str, ...]:
    """prefix1 … prefixK."""
    return tuple(f"{prefix}{k + 1}" for k in range(count))


def _times(x: Array, matrix: Array, block: Block) -> Array:
    """x · matrix, column-major; rows of `block` that miss a value become missing."""
    out = np.asfortranarray((matrix.T @ x.T).T)
    out += 0.0
    if block.incomplete is not None:
        out[block.incomplete] = np.nan
    return out
