// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {Client, FederatedRules, Job, JobTerms, State} from "./FederatedTypes.sol";
import {FederatedStorage} from "./FederatedStorage.sol";
import {Rollup} from "./Rollup.sol";
import {Tree} from "../common/Tree.sol";
import {Cause} from "../common/Vault.sol";

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
    /// @param t the terms that are offered
    /// @return id the new job's number
    function postJob(JobTerms calldata t) external returns (uint256 id) {
        if (t.maxClients == 0 || t.maxClients > 256) revert OutOfRange("maxClients", t.maxClients);
        if (t.rounds == 0) revert OutOfRange("rounds", 0);
        if (t.minGainBps > rules.maxGainBps) revert OutOfRange("minGainBps", t.minGainBps);
        if (t.auditBps > BPS) revert OutOfRange("auditBps", t.auditBps);
        id = jobs++;
        Job storage job = _jobs[id];
        (job.sponsor, job.reward, job.bond, job.maxClients, job.rounds) =
            (msg.sender, t.reward, t.bond, t.maxClients, t.rounds);
        (job.base, job.labelsRoot, job.state) = (t.modelCid, t.labelsRoot, State.ENROLLING);
        job.due = uint40(block.timestamp) + rules.enrolWindow;
        job.held = (uint256(t.reward) * t.maxClients + uint256(rules.validatorFee) * rules.maxValidators) * t.rounds;
        emit JobPosted(id, msg.sender, job.due, t);
        _deposit(msg.sender, job.held);
    }

    /// @notice Take a place as a client, behind a bond.
    /// @param id the job's number
    function acceptJob(uint256 id) external {
        Job storage job = _enrolling(id);
        if (job.active == job.maxClients) revert Full(id);
        if (_clientOf[id][msg.sender].place != 0) revert AlreadyJoined(id, msg.sender);
        _clients[id].push(msg.sender);
        _clientOf[id][msg.sender].place = ++job.active;
        job.held += job.bond;
        emit JobAccepted(id, msg.sender, job.active - 1);
        _deposit(msg.sender, job.bond);
        _beginIfFull(id);
    }

    /// @notice Take a place as a validator, behind a bond.
    /// @param id the job's number
    function joinPanel(uint256 id) external {
        Job storage job = _enrolling(id);
        if (_panel[id].length == rules.maxValidators) revert Full(id);
        if (_onPanel[id][msg.sender]) revert AlreadyJoined(id, msg.sender);
        _panel[id].push(msg.sender);
        _onPanel[id][msg.sender] = true;
        job.panel++;
        job.held += rules.validatorBond;
        emit ValidatorJoined(id, msg.sender);
        _deposit(msg.sender, rules.validatorBond);
        _beginIfFull(id);
    }

    /// @notice Hand in the round's update, once: the CID of a model, or its commitment. The payload is for the machine.
    /// @param id the job's number
    /// @param update the model's CID, or the commitment to it
    /// @param payload bytes that the machine reads
    function submitUpdate(uint256 id, bytes32 update, bytes calldata payload) external {
        Job storage job = _inState(id, State.TRAINING);
        Client storage client = _standing(id, job);
        if (client.handed == job.round) revert AlreadyHandedIn(id, msg.sender);
        (client.handed, client.update) = (job.round, update);
        job.handed++;
        emit UpdateSubmitted(id, job.round, msg.sender, update);
        if (!rules.sealedUpdates) _addInput(id, update, payload);
        if (job.handed == job.active) _seal(id);
    }

    /// @notice Reveal a committed update, so that it can be fetched. The commitment binds the client's address.
    /// @param id the job's number
    /// @param cid the model's CID, SHA-256 of its bytes
    /// @param salt 32 bytes that nobody can guess, chosen when one committed
    function openUpdate(uint256 id, bytes32 cid, bytes32 salt) external {
        Job storage job = _inState(id, State.OPENING);
        Client storage client = _standing(id, job);
        if (client.handed != job.round || client.opened == job.round) revert AlreadyHandedIn(id, msg.sender);
        bytes32 seal = sha256(abi.encode(cid, salt, msg.sender));
        if (seal != client.update) revert WrongSeal(seal, client.update);
        _addInput(id, cid, "");
        if (job.revealed && job.opened == job.handed) _complete(id);
    }

    /// @notice Reveal the round's validation labels, one byte each. By the sponsor.
    /// @param id the job's number
    /// @param labels the round's validation labels, one byte each
    /// @param salt 32 bytes that nobody can guess, chosen when one committed
    /// @param proof the siblings up to the tree's root, from below
    function revealLabels(uint256 id, bytes calldata labels, bytes32 salt, bytes32[] calldata proof) external {
        Job storage job = _inState(id, State.OPENING);
        if (msg.sender != job.sponsor) revert NotSponsor(msg.sender, job.sponsor);
        if (block.timestamp >= job.due) revert TooLate(block.timestamp, job.due);
        bytes32 leaf = sha256(abi.encode(uint256(job.round), sha256(labels), salt));
        bool right = MerkleProof.verifyCalldata(proof, job.labelsRoot, leaf, Tree.pair);
        if (job.revealed || !right) revert WrongLabels(id, job.round);
        job.revealed = true;
        emit LabelsRevealed(id, job.round, labels);
        if (job.opened == job.handed) _complete(id);
    }

    /// @notice Act on a window that is over: by anybody.
    /// @param id the job's number
    function advance(uint256 id) external {
        Job storage job = _jobs[id];
        State state = job.state;
        if (state == State.NONE) revert NoSuchJob(id);
        if (state >= State.COMPLETED) revert WrongState(id, state);
        if (block.timestamp < job.due) revert TooEarly(block.timestamp, job.due);
        if (state == State.ENROLLING) {
            if (job.active == 0 || job.panel == 0) _close(id, State.EXPIRED);
            else _nextRound(id);
        } else if (state == State.TRAINING) {
            _seal(id);
        } else if (state == State.OPENING) {
            if (job.opened == 0) {
                _expelIdle(id);
                _nextRound(id);
            } else if (job.revealed) {
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
    /// @param id the job's number
    function cancelJob(uint256 id) external {
        Job storage job = _sponsored(id);
        if (job.state != State.ENROLLING && rules.reserved) revert Reserved(id);
        if (job.state == State.DISPUTED) revert WrongState(id, job.state);
        _close(id, State.CANCELLED);
    }

    /// @notice Take money out of a job's escrow, where it is not reserved. Bonds are others' money.
    /// @param id the job's number
    /// @param amount smallest units of the token
    function takeBack(uint256 id, uint256 amount) external {
        Job storage job = _sponsored(id);
        if (rules.reserved) revert Reserved(id);
        uint256 free = job.held - _bonds(id);
        if (amount > free || job.state == State.DISPUTED) revert OverBudget(amount, free);
        emit TakenBack(id, amount);
        _pay(id, msg.sender, amount, Cause.REFUND);
    }

    function _enrolling(uint256 id) private view returns (Job storage job) {
        job = _inState(id, State.ENROLLING);
        if (block.timestamp >= job.due) revert TooLate(block.timestamp, job.due);
    }

    function _sponsored(uint256 id) private view returns (Job storage job) {
        job = _jobs[id];
        if (job.state == State.NONE) revert NoSuchJob(id);
        if (job.state >= State.COMPLETED) revert WrongState(id, job.state);
        if (msg.sender != job.sponsor) revert NotSponsor(msg.sender, job.sponsor);
    }

    /// @dev The caller as a client who still has a place, before the window is over.
    function _standing(uint256 id, Job storage job) private view returns (Client storage client) {
        if (block.timestamp >= job.due) revert TooLate(block.timestamp, job.due);
        client = _clientOf[id][msg.sender];
        if (client.place == 0 || client.out) revert NotClient(id, msg.sender);
    }

    function _beginIfFull(uint256 id) private {
        if (_jobs[id].active == _jobs[id].maxClients && _panel[id].length == rules.maxValidators) _nextRound(id);
    }

    /// @dev What the machine will read of the caller in this round.
    function _addInput(uint256 id, bytes32 cid, bytes memory payload) private {
        Job storage job = _jobs[id];
        Client storage client = _clientOf[id][msg.sender];
        if (rules.unique && _seen[id][cid]) revert NotUnique(id, cid);
        _seen[id][cid] = true;
        client.opened = job.round;
        job.opened++;
        job.inputs = sha256(abi.encode(job.inputs, client.place - 1, cid, payload));
        _pots[id][job.round].opened |= 1 << (client.place - 1);
        emit InputAdded(id, job.round, msg.sender, client.place - 1, cid, payload);
    }

    /// @dev A sponsor that hides its labels has whatever it was handed, and pays the listed price for it.
    function _payUnseen(uint256 id) private {
        Job storage job = _jobs[id];
        for (uint256 i; i < _clients[id].length; i++) {
            if (_clientOf[id][_clients[id][i]].opened == job.round) _pay(id, _clients[id][i], job.reward, Cause.REWARD);
        }
        _close(id, State.WITHHELD);
    }
}
