// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {Client, FederatedRules, Job, JobTerms, State} from "./FederatedTypes.sol";
import {FederatedStorage} from "./FederatedStorage.sol";
import {Rollup} from "./Rollup.sol";
import {Tree} from "../shared/Tree.sol";
import {Cause} from "../shared/Vault.sol";

/// @title Federated: a sponsor pays people for updates of a model that they train on data which stay with them
/// @notice The sponsor escrows rewards for clients and fees for validators. In each round clients train from the round's
/// base on data of their own and hand in models; validators say which are accepted, what each is paid and what the next
/// base is (`Rollup`). Data never come here, only identifiers of models.
/// @dev Invariants: token.balanceOf(this) == escrow + owedTotal + treasury; what a round pays is at most the listed price
/// of each update that was handed in, and each is paid at most once; given somebody who pokes, a job is over by its
/// enrolment's end + rounds * (trainWindow + openWindow + 2 * claimWindow + disputeWindow).
contract Federated is Rollup {
    event JobPosted(uint256 indexed id, address indexed sponsor, uint64 due, JobTerms terms);
    event JobAccepted(uint256 indexed id, address indexed client, uint16 place);
    event ValidatorJoined(uint256 indexed id, address indexed validator);
    event UpdateSubmitted(uint256 indexed id, uint16 indexed round, address indexed client, bytes32 update);
    event InputAdded(
        uint256 indexed id, uint16 indexed round, address indexed client, uint16 place, bytes32 cid, bytes payload
    );
    event LabelsRevealed(uint256 indexed id, uint16 indexed round, bytes labels);
    event TakenBack(uint256 indexed id, uint256 amount);

    error TooEarly(uint256 time, uint256 from);
    error Full(uint256 id);
    error AlreadyJoined(uint256 id, address who);
    error AlreadyHandedIn(uint256 id, address client);
    error NotClient(uint256 id, address who);
    error NotSponsor(address who, address sponsor);
    error NotUnique(uint256 id, bytes32 cid);
    error WrongSeal(bytes32 sent, bytes32 required);
    error WrongLabels(uint256 id, uint256 round);
    error Reserved(uint256 id);
    error OutOfRange(string term, uint256 value);

    constructor(IERC20 token_, address referee_, FederatedRules memory rules_) FederatedStorage(token_, rules_) {
        referee = referee_;
    }

    /// @notice Offer a job. Pulls the rewards and fees of all its rounds.
    function postJob(JobTerms calldata t) external returns (uint256 id) {
        if (t.maxClients == 0 || t.maxClients > 256) revert OutOfRange("maxClients", t.maxClients);
        if (t.rounds == 0) revert OutOfRange("rounds", 0);
        if (t.minGainBps > rules.maxGainBps) revert OutOfRange("minGainBps", t.minGainBps);
        if (t.auditBps > BPS) revert OutOfRange("auditBps", t.auditBps);
        id = jobs++;
        Job storage j = _jobs[id];
        (j.sponsor, j.reward, j.bond, j.maxClients, j.rounds) = (msg.sender, t.reward, t.bond, t.maxClients, t.rounds);
        (j.base, j.labelsRoot, j.state) = (t.modelCid, t.labelsRoot, State.ENROLLING);
        j.due = uint40(block.timestamp) + rules.enrolWindow;
        j.held = (uint256(t.reward) * t.maxClients + uint256(rules.validatorFee) * rules.maxValidators) * t.rounds;
        emit JobPosted(id, msg.sender, j.due, t);
        _deposit(msg.sender, j.held);
    }

    /// @notice Take a place as a client, behind a bond.
    function acceptJob(uint256 id) external {
        Job storage j = _enrolling(id);
        if (j.active == j.maxClients) revert Full(id);
        if (_clientOf[id][msg.sender].place != 0) revert AlreadyJoined(id, msg.sender);
        _clients[id].push(msg.sender);
        _clientOf[id][msg.sender].place = ++j.active;
        j.held += j.bond;
        emit JobAccepted(id, msg.sender, j.active - 1);
        _deposit(msg.sender, j.bond);
        _beginIfFull(id);
    }

    /// @notice Take a place as a validator, behind a bond.
    function joinPanel(uint256 id) external {
        Job storage j = _enrolling(id);
        if (_panel[id].length == rules.maxValidators) revert Full(id);
        if (_onPanel[id][msg.sender]) revert AlreadyJoined(id, msg.sender);
        _panel[id].push(msg.sender);
        _onPanel[id][msg.sender] = true;
        j.panel++;
        j.held += rules.validatorBond;
        emit ValidatorJoined(id, msg.sender);
        _deposit(msg.sender, rules.validatorBond);
        _beginIfFull(id);
    }

    /// @notice Hand in the round's update, once: the CID of a model, or its seal. The payload is for the machine.
    function submitUpdate(uint256 id, bytes32 update, bytes calldata payload) external {
        Job storage j = _inState(id, State.TRAINING);
        Client storage c = _standing(id, j);
        if (c.handed == j.round) revert AlreadyHandedIn(id, msg.sender);
        (c.handed, c.update) = (j.round, update);
        j.handed++;
        emit UpdateSubmitted(id, j.round, msg.sender, update);
        if (!rules.sealedUpdates) _addInput(id, update, payload);
        if (j.handed == j.active) _seal(id);
    }

    /// @notice Open a sealed update, so that it can be fetched. The seal binds the client's address.
    function openUpdate(uint256 id, bytes32 cid, bytes32 salt) external {
        Job storage j = _inState(id, State.OPENING);
        Client storage c = _standing(id, j);
        if (c.handed != j.round || c.opened == j.round) revert AlreadyHandedIn(id, msg.sender);
        bytes32 seal = sha256(abi.encode(cid, salt, msg.sender));
        if (seal != c.update) revert WrongSeal(seal, c.update);
        _addInput(id, cid, "");
        if (j.revealed && j.opened == j.handed) _complete(id);
    }

    /// @notice Open the round's validation labels, one byte each. By the sponsor.
    function revealLabels(uint256 id, bytes calldata labels, bytes32 salt, bytes32[] calldata proof) external {
        Job storage j = _inState(id, State.OPENING);
        if (msg.sender != j.sponsor) revert NotSponsor(msg.sender, j.sponsor);
        if (block.timestamp >= j.due) revert TooLate(block.timestamp, j.due);
        bytes32 leaf = sha256(abi.encode(uint256(j.round), sha256(labels), salt));
        bool right = MerkleProof.verifyCalldata(proof, j.labelsRoot, leaf, Tree.pair);
        if (j.revealed || !right) revert WrongLabels(id, j.round);
        j.revealed = true;
        emit LabelsRevealed(id, j.round, labels);
        if (j.opened == j.handed) _complete(id);
    }

    /// @notice Act on a window that is over: by anybody.
    function advance(uint256 id) external {
        Job storage j = _jobs[id];
        State state = j.state;
        if (state == State.NONE) revert NoSuchJob(id);
        if (state >= State.COMPLETED) revert WrongState(id, state);
        if (block.timestamp < j.due) revert TooEarly(block.timestamp, j.due);
        if (state == State.ENROLLING) {
            if (j.active == 0 || j.panel == 0) _close(id, State.EXPIRED);
            else _nextRound(id);
        } else if (state == State.TRAINING) {
            _seal(id);
        } else if (state == State.OPENING) {
            if (j.opened == 0) {
                _expelIdle(id);
                _nextRound(id);
            } else if (j.revealed) {
                _complete(id);
            } else {
                _payUnseen(id);
            }
        } else if (state == State.CLAIMED) {
            _settle(id);
        } else {
            if (state == State.DISPUTED) _pay(id, _disputer[id], rules.disputeBond, Cause.STAKE);
            _close(id, State.VOID);
        }
    }

    /// @notice Give a job up: while people still join, or at any time where the escrow is not reserved.
    function cancelJob(uint256 id) external {
        Job storage j = _sponsored(id);
        if (j.state != State.ENROLLING && rules.reserved) revert Reserved(id);
        if (j.state == State.DISPUTED) revert WrongState(id, j.state);
        _close(id, State.CANCELLED);
    }

    /// @notice Take money out of a job's escrow, where it is not reserved. Bonds are others' money.
    function takeBack(uint256 id, uint256 amount) external {
        Job storage j = _sponsored(id);
        if (rules.reserved) revert Reserved(id);
        uint256 free = j.held - _bonds(id);
        if (amount > free || j.state == State.DISPUTED) revert OverBudget(amount, free);
        emit TakenBack(id, amount);
        _pay(id, msg.sender, amount, Cause.REFUND);
    }

    function _enrolling(uint256 id) private view returns (Job storage j) {
        j = _inState(id, State.ENROLLING);
        if (block.timestamp >= j.due) revert TooLate(block.timestamp, j.due);
    }

    function _sponsored(uint256 id) private view returns (Job storage j) {
        j = _jobs[id];
        if (j.state == State.NONE) revert NoSuchJob(id);
        if (j.state >= State.COMPLETED) revert WrongState(id, j.state);
        if (msg.sender != j.sponsor) revert NotSponsor(msg.sender, j.sponsor);
    }

    /// @dev The caller as a client who still has a place, before the window is over.
    function _standing(uint256 id, Job storage j) private view returns (Client storage c) {
        if (block.timestamp >= j.due) revert TooLate(block.timestamp, j.due);
        c = _clientOf[id][msg.sender];
        if (c.place == 0 || c.out) revert NotClient(id, msg.sender);
    }

    function _beginIfFull(uint256 id) private {
        if (_jobs[id].active == _jobs[id].maxClients && _panel[id].length == rules.maxValidators) _nextRound(id);
    }

    /// @dev What the machine will read of the caller in this round.
    function _addInput(uint256 id, bytes32 cid, bytes memory payload) private {
        Job storage j = _jobs[id];
        Client storage c = _clientOf[id][msg.sender];
        if (rules.unique && _seen[id][cid]) revert NotUnique(id, cid);
        _seen[id][cid] = true;
        c.opened = j.round;
        j.opened++;
        j.inputs = sha256(abi.encode(j.inputs, c.place - 1, cid, payload));
        _pots[id][j.round].opened |= 1 << (c.place - 1);
        emit InputAdded(id, j.round, msg.sender, c.place - 1, cid, payload);
    }

    /// @dev A sponsor that hides its labels has whatever it was handed, and pays the listed price for it.
    function _payUnseen(uint256 id) private {
        Job storage j = _jobs[id];
        for (uint256 i; i < _clients[id].length; i++) {
            if (_clientOf[id][_clients[id][i]].opened == j.round) _pay(id, _clients[id][i], j.reward, Cause.REWARD);
        }
        _close(id, State.WITHHELD);
    }
}
