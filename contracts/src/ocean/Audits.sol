// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Answer, Job, Outcome, State} from "./OceanTypes.sol";
import {Orders} from "./Orders.sol";
import {Commitments} from "../common/Commitments.sol";
import {Cause} from "../common/Vault.sol";

/// @title Audits: providers who stand by, disputes, and the execution of a job by several others
/// @notice Work is exact, so a result is right or wrong to the bit. Provider and auditors commit to what came out before
/// anybody reveals it; the provider reveals the result itself, so nobody is paid for what the consumer cannot have.
abstract contract Audits is Orders {
    uint256 private constant POOL = 16; // keeps every loop within one block

    event Enlisted(uint256 indexed id, address indexed auditor);
    event AuditBegun(uint256 indexed id, bool disputed, address[] panel, uint40 due);
    event AnswerCommitted(uint256 indexed id, address indexed auditor);
    event RevealBegun(uint256 indexed id, uint40 due);
    event AnswerRevealed(uint256 indexed id, address indexed who, bytes32 cid, uint32 minutes_, uint32 score);
    event Fined(uint256 indexed id, address indexed who, uint256 amount);

    error NotAuditor(address who);
    error PoolIsFull(uint256 id, uint256 auditors);
    error AlreadyEnlisted(uint256 id, address who);
    error NoAuditors(uint256 id);
    error WrongSeal(bytes32 sent, bytes32 required);
    error WrongResult(bytes32 sent, bytes32 required);

    /// @notice Stand by as an auditor of a job that another runs. Pulls the bond.
    /// @param id the job's number
    function enlist(uint256 id) external {
        Job storage job = _paid(id, State.ORDERED, State.LOCKED);
        if (nodeOf[msg.sender].signer == address(0) || rules.auditors == 0) revert NotAuditor(msg.sender);
        if (msg.sender == job.provider || msg.sender == job.consumer) revert NotYourself(msg.sender);
        if (answerOf[id][msg.sender].enlisted) revert AlreadyEnlisted(id, msg.sender);
        if (_pool[id].length >= POOL) revert PoolIsFull(id, POOL);
        answerOf[id][msg.sender].enlisted = true;
        _pool[id].push(msg.sender);
        emit Enlisted(id, msg.sender);
        _hold(id, rules.auditBond);
    }

    /// @notice Have a claimed job executed again. By its consumer, in time. Pulls the bond.
    /// @param id the job's number
    function dispute(uint256 id) external {
        Job storage job = _inState(id, State.CLAIMED);
        _only(job.consumer);
        _before(job.due);
        if (_pool[id].length == 0) revert NoAuditors(id);
        job.disputed = true;
        _hold(id, rules.disputeBond);
        _audit(id);
    }

    /// @notice Commit to what came out: `sha256(abi.encode(sha256(abi.encode(cid, minutes, score)), salt, who))`.
    /// @param id the job's number
    /// @param seal_ the commitment, 32 bytes
    function answer(uint256 id, bytes32 seal_) external {
        Job storage job = _inState(id, State.AUDIT);
        if (!_drawn(id, msg.sender)) revert NotAuditor(msg.sender);
        _before(job.due);
        if (answerOf[id][msg.sender].seal == 0) job.answered++;
        answerOf[id][msg.sender].seal = seal_;
        emit AnswerCommitted(id, msg.sender);
        if (job.answered == job.panel) _reveals(id);
    }

    /// @notice Reveal, as an auditor, what one committed to.
    /// @param id the job's number
    /// @param cid of the result, SHA-256 of its bytes
    /// @param minutes_ that it takes
    /// @param score right answers on the sample
    /// @param salt the commitment's salt
    function reveal(uint256 id, bytes32 cid, uint32 minutes_, uint32 score, bytes32 salt) external {
        if (!_drawn(id, msg.sender)) revert NotAuditor(msg.sender);
        _reveal(id, cid, minutes_, score, salt, answerOf[id][msg.sender].seal);
    }

    /// @notice Reveal, as the provider, the result that one claimed for: all of it.
    /// @param id the job's number
    /// @param output the result's bytes, which are encrypted for the consumer
    /// @param salt the commitment's salt
    function revealResult(uint256 id, bytes calldata output, bytes32 salt) external {
        Job storage job = _jobs[id];
        _only(job.provider);
        _reveal(id, sha256(output), job.minutes_, 0, salt, job.result);
    }

    /// @notice Go on with a job once a window is over, or all have said what they have to. By anybody.
    /// @param id the job's number
    function settle(uint256 id) external {
        Job storage job = _between(id, State.CLAIMED, State.REVEAL);
        bool all_ = job.state == State.REVEAL && job.answered == job.panel + 1;
        if (!all_ && block.timestamp < job.due) revert TooEarly(block.timestamp, job.due);
        if (job.state == State.CLAIMED) _finish(id, Outcome(State.DONE, false, job.minutes_, job.result, _pool[id]));
        else if (job.state == State.AUDIT) _reveals(id);
        else _tally(id);
    }

    /// @dev Draw who execute it again, without replacement, to the front of the pool.
    function _audit(uint256 id) internal {
        Job storage job = _jobs[id];
        address[] storage pool = _pool[id];
        uint256 n = rules.auditors < pool.length ? rules.auditors : pool.length;
        address[] memory panel = new address[](n);
        for (uint256 i; i < n; i++) {
            uint256 j = i + uint256(keccak256(abi.encode(block.prevrandao, id, i))) % (pool.length - i);
            (pool[i], pool[j]) = (pool[j], pool[i]);
            panel[i] = pool[i];
        }
        (job.state, job.panel, job.due) = (State.AUDIT, uint16(n), uint40(block.timestamp + rules.auditWindow));
        emit AuditBegun(id, job.disputed, panel, job.due);
    }

    function _drawn(uint256 id, address who) private view returns (bool) {
        for (uint256 i; i < _jobs[id].panel; i++) if (_pool[id][i] == who) return true;
        return false;
    }

    function _reveals(uint256 id) private {
        Job storage job = _jobs[id];
        (job.state, job.answered, job.due) = (State.REVEAL, 0, uint40(block.timestamp + rules.auditWindow));
        emit RevealBegun(id, job.due);
    }

    function _reveal(uint256 id, bytes32 cid, uint32 minutes_, uint32 score, bytes32 salt, bytes32 required) private {
        Job storage job = _inState(id, State.REVEAL);
        _before(job.due);
        bytes32 sent = Commitments.ofWork(sha256(abi.encode(cid, minutes_, score)), salt, msg.sender, true);
        if (sent != required) revert WrongSeal(sent, required);
        Answer storage mine = answerOf[id][msg.sender];
        if (mine.key == 0) job.answered++;
        (mine.key, mine.cid, mine.minutes_) = (keccak256(abi.encode(cid, minutes_)), cid, minutes_);
        mine.score = score;
        emit AnswerRevealed(id, msg.sender, cid, minutes_, score);
    }

    function _votes(uint256 id, bytes32 key) private view returns (uint256 votes) {
        for (uint256 i; i < _jobs[id].panel; i++) if (answerOf[id][_pool[id][i]].key == key) votes++;
    }

    /// @dev What most auditors say came out is right; where as many say what the provider says, that.
    function _tally(uint256 id) private {
        Job storage job = _jobs[id];
        address best = job.provider;
        uint256 most = answerOf[id][best].key == 0 ? 0 : _votes(id, answerOf[id][best].key);
        for (uint256 i; i < job.panel; i++) {
            bytes32 key = answerOf[id][_pool[id][i]].key;
            if (key == 0 || (most >= _votes(id, key) && answerOf[id][best].key != 0)) continue;
            (best, most) = (_pool[id][i], _votes(id, key));
        }
        Answer storage right = answerOf[id][best];
        address[] memory good = _judged(id, right.key, most);
        if (right.key == 0) return _finish(id, Outcome(State.VOID, true, 0, 0, good));
        bool junk = _isJunk(id, good);
        bool wrong = right.key != answerOf[id][job.provider].key;
        State state = wrong ? State.OVERTURNED : junk ? State.JUNK : State.DONE;
        _finish(id, Outcome(state, junk, right.minutes_, right.cid, good));
    }

    /// @dev The auditors who were right; the others' bonds are lost, and theirs go back.
    function _judged(uint256 id, bytes32 key, uint256 most) private returns (address[] memory good) {
        good = new address[](key == 0 ? 0 : most);
        uint256 found;
        for (uint256 i; i < _jobs[id].panel; i++) {
            address who = _pool[id][i];
            if (key != 0 && answerOf[id][who].key == key) good[found++] = who;
            else _fine(id, who, rules.auditBond);
        }
    }

    /// @dev Whether most of those who were right found fewer right answers on the sample than the data promise.
    function _isJunk(uint256 id, address[] memory good) private view returns (bool) {
        Job storage job = _jobs[id];
        uint256 low;
        for (uint256 i; i < good.length; i++)
            if (answerOf[id][good[i]].score * BPS < uint256(assetOf[job.asset].metricBps) * job.size) low++;
        return 2 * low > good.length;
    }

    function _fine(uint256 id, address who, uint256 amount) internal {
        if (amount == 0) return;
        emit Fined(id, who, amount);
        _jobs[id].held -= amount;
        _retain(id, amount, Cause.SLASH);
    }

    /// @dev Pay everybody and end a job: see Ocean.
    function _finish(uint256 id, Outcome memory end) internal virtual;
}
