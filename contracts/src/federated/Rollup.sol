// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {Job, Output, Pot, State, Voucher} from "./FederatedTypes.sol";
import {FederatedStorage} from "./FederatedStorage.sol";
import {Tree} from "../common/Tree.sol";
import {Cause} from "../common/Vault.sol";

/// @title Rollup: who says what the machine found, and what follows
/// @notice A round is an epoch: its inputs are on chain, and what a deterministic machine makes of them is claimed by
/// validators. 1 + n/2 equal claims are a quorum; while its window is open anybody may dispute it behind a bond, and the
/// referee decides. A settled round fills a pot, from which each voucher is paid once.
/// @dev The referee stands in for a fraud proof, which would run the machine's disputed step on chain: an assumption.
abstract contract Rollup is FederatedStorage {
    address public immutable referee;

    mapping(uint256 id => mapping(uint256 round => mapping(bytes32 claim => uint256))) public votes;
    mapping(uint256 id => mapping(uint256 round => mapping(address validator => bytes32))) public claimOf;
    mapping(uint256 id => Output) internal _claimed; // of the round that is CLAIMED or DISPUTED
    mapping(uint256 id => bytes32) internal _claim; // its hash
    mapping(uint256 id => address) internal _disputer;
    mapping(uint256 id => bytes32) internal _alternative; // what the disputer says instead

    event OutputClaimed(
        uint256 indexed id, uint16 indexed round, address indexed validator, bytes32 claim, Output output
    );
    event QuorumReached(uint256 indexed id, uint16 indexed round, bytes32 claim, uint64 due);
    event OutputDisputed(uint256 indexed id, uint16 indexed round, address indexed disputer, bytes32 claim);
    event RoundSettled(uint256 indexed id, uint16 indexed round, Output output);
    event VoucherExecuted(uint256 indexed id, uint16 indexed round, address indexed who, uint256 amount);

    error NotOnPanel(uint256 id, address who);
    error NotReferee(address who, address referee);
    error AlreadyClaimed(uint256 id, address validator);
    error AlreadyExecuted(uint256 id, uint256 round, uint256 place);
    error TooLate(uint256 time, uint256 until);
    error OverBudget(uint256 total, uint256 budget);
    error WrongVoucher(uint256 id, uint256 round);
    error SameClaim(bytes32 claim);

    /// @notice The claim that an output is: bound to the job, the round and its inputs.
    /// @param id the job's number
    /// @param o the output of the machine
    /// @return the hash that validators agree on
    function claimHash(uint256 id, Output calldata o) public view returns (bytes32) {
        return sha256(abi.encode(id, _jobs[id].round, _jobs[id].inputs, o));
    }

    /// @notice Equal claims that settle a round.
    /// @param id the job's number
    /// @return how many validators
    function quorum(uint256 id) public view returns (uint256) {
        return 1 + _jobs[id].panel / 2;
    }

    /// @notice Say what the machine made of the round, once, as a validator. Until a quorum settles it can be joined.
    /// @param id the job's number
    /// @param o the output of the machine
    function submitClaim(uint256 id, Output calldata o) external {
        Job storage job = _jobs[id];
        if (job.state != State.CLAIMED) _inState(id, State.VALIDATING);
        if (!_onPanel[id][msg.sender]) revert NotOnPanel(id, msg.sender);
        if (block.timestamp >= job.due) revert TooLate(block.timestamp, job.due);
        if (claimOf[id][job.round][msg.sender] != 0) revert AlreadyClaimed(id, msg.sender);
        _checkBudget(id, o);
        bytes32 claim = claimHash(id, o);
        claimOf[id][job.round][msg.sender] = claim;
        emit OutputClaimed(id, job.round, msg.sender, claim, o);
        if (++votes[id][job.round][claim] != quorum(id) || job.state == State.CLAIMED) return;
        (_claimed[id], _claim[id]) = (o, claim);
        (job.state, job.due) = (State.CLAIMED, uint40(block.timestamp) + rules.disputeWindow);
        emit QuorumReached(id, job.round, claim, job.due);
        if (rules.disputeWindow == 0) _settle(id);
    }

    /// @notice Contradict a quorum, behind a bond: by anybody, once a round.
    /// @param id the job's number
    /// @param o the output of the machine
    function dispute(uint256 id, Output calldata o) external {
        Job storage job = _inState(id, State.CLAIMED);
        if (block.timestamp >= job.due) revert TooLate(block.timestamp, job.due);
        bytes32 claim = claimHash(id, o);
        if (claim == _claim[id]) revert SameClaim(claim);
        (_disputer[id], _alternative[id]) = (msg.sender, claim);
        (job.state, job.due) = (State.DISPUTED, uint40(block.timestamp) + rules.claimWindow);
        job.held += rules.disputeBond;
        emit OutputDisputed(id, job.round, msg.sender, claim);
        _deposit(msg.sender, rules.disputeBond);
    }

    /// @notice Say what is true of a disputed round. Validators who claimed otherwise lose their bonds, half of which
    /// are the disputer's if it was right; one that was wrong loses its own.
    /// @dev Where callbacks are open, anybody may report any round that is to be validated.
    /// @param id the job's number
    /// @param o the output of the machine
    function resolve(uint256 id, Output calldata o) external {
        Job storage job = _jobs[id];
        bool open = rules.openCallback && job.state == State.VALIDATING;
        if (!open && msg.sender != referee) revert NotReferee(msg.sender, referee);
        if (!open) _inState(id, State.DISPUTED);
        _checkBudget(id, o);
        bytes32 truth = claimHash(id, o);
        if (!open) _judge(id, truth);
        (_claimed[id], _claim[id]) = (o, truth);
        _settle(id);
    }

    /// @notice Have a voucher of a settled round paid: by anybody, once.
    /// @param id the job's number
    /// @param v the voucher
    /// @param proof the siblings up to the tree's root, from below
    function executeVoucher(uint256 id, Voucher calldata v, bytes32[] calldata proof) external {
        Pot storage pot = _pots[id][v.round];
        bytes32 leaf = sha256(abi.encode(id, v));
        if (!MerkleProof.verifyCalldata(proof, pot.root, leaf, Tree.pair)) revert WrongVoucher(id, v.round);
        uint256 bit = 1 << v.place;
        if (pot.executed & bit != 0) revert AlreadyExecuted(id, v.round, v.place);
        bool stranger = pot.opened & bit == 0 || _clients[id][v.place] != v.who;
        if (rules.checked && stranger) revert WrongVoucher(id, v.round);
        if (v.amount > pot.left) revert OverBudget(v.amount, pot.left);
        pot.executed |= bit;
        pot.left -= v.amount;
        emit VoucherExecuted(id, uint16(v.round), v.who, v.amount);
        _credit(id, v.who, v.amount, Cause.REWARD);
    }

    /// @dev The listed price of each update that was handed in, where outputs are checked.
    function _checkBudget(uint256 id, Output calldata o) private view {
        uint256 budget = uint256(_jobs[id].reward) * _jobs[id].opened;
        if (rules.checked && o.total > budget) revert OverBudget(o.total, budget);
    }

    /// @dev Who was wrong pays.
    function _judge(uint256 id, bytes32 truth) private {
        address disputer = _disputer[id];
        if (_alternative[id] == truth) _pay(id, disputer, rules.disputeBond, Cause.STAKE);
        else _slash(id, disputer, rules.disputeBond, 0);
        for (uint256 i; i < _panel[id].length; i++) {
            address who = _panel[id][i];
            bytes32 claim = claimOf[id][_jobs[id].round][who];
            if (claim == 0 || claim == truth || !_onPanel[id][who]) continue;
            _onPanel[id][who] = false;
            _jobs[id].panel--;
            uint256 bounty = _alternative[id] == truth ? rules.validatorBond / 2 : 0;
            _slash(id, who, rules.validatorBond, bounty);
            _pay(id, disputer, bounty, Cause.BOUNTY);
        }
    }

    /// @dev Let a claim count: fill the pot, pay those who made the claim, expel who failed, and go on from the new base.
    function _settle(uint256 id) internal {
        Job storage job = _jobs[id];
        Output memory o = _claimed[id];
        uint256 bonds = _bonds(id);
        uint128 total = job.held < bonds + o.total ? uint128(job.held - bonds) : o.total; // an escrow that was emptied
        Pot storage pot = _pots[id][job.round];
        (pot.root, pot.left) = (o.vouchers, total);
        job.held -= total;
        emit RoundSettled(id, job.round, o);
        for (uint256 i; i < _panel[id].length; i++) {
            address who = _panel[id][i];
            bool right = _onPanel[id][who] && claimOf[id][job.round][who] == _claim[id];
            if (right && job.held >= bonds + rules.validatorFee) _pay(id, who, rules.validatorFee, Cause.FEE);
        }
        _expelIdle(id);
        for (uint256 i; rules.slashFailed && i < _clients[id].length; i++) {
            address who = _clients[id][i];
            if (o.failed >> i & 1 == 1 && !_clientOf[id][who].out) _expel(id, who);
        }
        job.base = o.base;
        _nextRound(id);
    }
}
