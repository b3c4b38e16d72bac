"""What must hold of the published contracts, asked after each block with transactions."""

from slashpoint.sim.invariants import invariant

ONE = 10**18
CONSUME_FEE = 3 * 10**16  # smallest units of a data token, of each order


class Invariants:
    """The checks of a market that is bound to the published contracts."""

    @invariant
    def escrow_adds_up(self, world):
        """What people have in the escrow, available and locked, is what it holds."""
        held, owed = self.coin.balanceOf(self.escrow.address_), sum(sum(self.funds(one)) for one in self.users())
        if held != owed:
            yield f"the escrow holds {held} and owes {owed}"

    @invariant
    def locked_is_the_sum_of_live_locks(self, world):
        """What each payer has locked is the sum of the locks that stand, by the events and by the contract."""
        for payer in self.users():
            live = sum(amount for (who, _, _), amount in self.locks.items() if who == payer)
            if (locked := self.funds(payer).locked) != live:
                yield f"{world.name_of(payer)} has {locked} locked, and its locks are {live} together"
        for payee in {payee for _, payee, _ in self.locks}:
            listed = {
                (one.payer, payee, one.jobId): one.amount for one in self.escrow.getLocks(bytes(20), bytes(20), payee)
            }
            if listed != {key: amount for key, amount in self.locks.items() if key[1] == payee}:
                yield f"{world.name_of(payee)} has other locks than those that its events tell of"

    @invariant
    def claims_stay_within_their_locks(self, world):
        """Nobody claims more than was locked for the job."""
        locked = {(one.payer, one.payee, one.jobId): one.amount for one in world.facts.of(self.Lock, None)}
        for one in world.facts.of(self.Claimed, None):
            if one.amount > locked.get((one.payer, one.payee, one.jobId), 0):
                yield f"{world.name_of(one.payee)} claimed {one.amount} of a lock of less"

    @invariant
    def an_order_takes_one_data_token(self, world):
        """Each order takes 1 data token: 0.03 for the community, the rest for whoever collects."""
        orders = {}
        for one in world.facts.of(self.OrderStarted, None):
            orders[one.at] = orders.get(one.at, 0) + 1
            if one.args["amount"] != ONE:
                yield f"an order took {one.args['amount']}"
        for token, count in orders.items():
            if (fees := self.at(token).balanceOf(self.community)) != count * CONSUME_FEE:
                yield f"the community has {fees} of {world.name_of(token)} after {count} orders"
