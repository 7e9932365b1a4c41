"""Large statistics that stay on the workers of a cluster, and are merged there as they would be here."""

from normcli.engines import Folding, RemoteState
from normcli.parameters.folding import Subtotal


class RemoteSubtotal(Subtotal):
    """A subtotal on a worker. Methods raise ClusterError where the cluster is lost."""

    def __init__(self, state: RemoteState) -> None:
        super().__init__(())
        self._state = state

    def merge(self, other: Subtotal) -> Subtotal:
        if not isinstance(other, RemoteSubtotal):
            return self if other.is_blank else RemoteSubtotal(self._state.merge(self._state.send(other)))
        return RemoteSubtotal(self._state.merge(other._state))

    def after(self, before: Subtotal) -> Subtotal:
        return self if before.is_blank else RemoteSubtotal(self._state.send(before).merge(self._state))

    def local(self) -> Subtotal:
        """Raises BadDataError where a part was measured again, and came out otherwise."""
        total: Subtotal = self._state.fetch()
        return total


FOLDING = Folding(Subtotal, RemoteSubtotal)
