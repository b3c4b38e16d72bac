// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Model, Packet, State, Status} from "./ForestTypes.sol";
import {ForestStorage} from "./ForestStorage.sol";
import {Tree} from "../common/Tree.sol";
import {Cause} from "../common/Vault.sol";

/// @title Records: what people hand in, and may take out again
/// @notice The dataset only grows, but for what its owner has forgotten and what the workers rejected; its Merkle root is
/// over the rest. A packet pays a fee, and a deposit that comes back once the packet is in a model.
abstract contract Records is ForestStorage {
    event DataSubmitted(uint256 indexed id, uint256 packet, address indexed owner, bytes32 leaf, uint32 rows, bytes32 tag);
    event DataIncluded(uint256 indexed id, uint256 packet, address indexed owner, uint8 mark);
    event DataRejected(uint256 indexed id, uint256 packet, address indexed owner, uint256 lost);
    event Forgotten(uint256 indexed id, uint256 packet, address indexed owner);
    event DatasetUpdated(uint256 indexed id, uint16 epoch, bytes32 root, address indexed by);

    error NotByCid(bool byCid);
    error WrongLength(uint256 sent, uint256 most);
    error OverQuota(address owner, uint256 quota);
    error NotOwner(address who, address owner);
    error WrongStatus(uint256 packet, Status status);
    error NothingIsForgotten();
    error AppendOnly();

    /// @notice Hand records in, their bytes in the transaction. Pulls fee and deposit.
    /// @param id the model's number
    /// @param rows the packed records
    /// @param count how many they are
    function submitData(uint256 id, bytes calldata rows, uint32 count) external {
        if (rules.byCid) revert NotByCid(true);
        if (rows.length == 0 || rows.length > rules.packetBytes) revert WrongLength(rows.length, rules.packetBytes);
        _rows[id][_packets[id].length] = rows;
        _submit(id, sha256(rows), count, 0);
    }

    /// @notice Hand records in by their CID. Pulls fee and deposit.
    /// @param id the model's number
    /// @param cid SHA-256 of the packed records, or of what they are encrypted to
    /// @param count how many they are
    /// @param tag a commitment to who the owner is
    function submitDataCid(uint256 id, bytes32 cid, uint32 count, bytes32 tag) external {
        if (!rules.byCid) revert NotByCid(false);
        _submit(id, cid, count, tag);
    }

    function _submit(uint256 id, bytes32 leaf, uint32 count, bytes32 tag) private {
        Model storage model = _open(id, State.COLLECT);
        Packet[] storage packets = _packets[id];
        uint256 packet = packets.length;
        if (packet >= rules.maxPackets) revert Full(id, packet);
        if (rules.quota != 0 && _sent(id, model.epoch) >= rules.quota) revert OverQuota(msg.sender, rules.quota);
        Packet storage one = packets.push();
        (one.owner, one.status, one.epoch) = (msg.sender, Status.SUBMITTED, model.epoch);
        (one.deposit, one.leaf) = (rules.deposit, leaf);
        model.fresh++;
        emit DataSubmitted(id, packet, msg.sender, leaf, count, tag);
        _take(id, uint256(rules.fee) + rules.deposit);
        _keep(id, rules.fee, Cause.FEE);
    }

    /// @dev Packets of the caller in this epoch.
    function _sent(uint256 id, uint256 epoch) private view returns (uint256 sent) {
        Packet[] storage packets = _packets[id];
        for (uint256 i = packets.length; i != 0 && packets[i - 1].epoch == epoch; i--) {
            if (packets[i - 1].owner == msg.sender) sent++;
        }
    }

    /// @notice Have a packet of one's own left out of all later trainings. What was published stays published.
    /// @param id the model's number
    /// @param packet the packet's number
    function forget(uint256 id, uint256 packet) external {
        if (!rules.forgetting) revert NothingIsForgotten();
        Model storage model = _models[id];
        Packet storage one = _packets[id][packet];
        if (one.owner != msg.sender) revert NotOwner(msg.sender, one.owner);
        if (model.state != State.COLLECT && model.state != State.SERVE) revert WrongState(id, model.state);
        if (!_stands(one)) revert WrongStatus(packet, one.status);
        one.status = Status.FORGOTTEN;
        model.fresh++;
        emit Forgotten(id, packet, msg.sender);
        _returnDeposit(id, one);
    }

    /// @notice Put another dataset in the place of the records, where that is open to anybody.
    /// @param id the model's number
    /// @param cid of the packed records that count from now on
    function updateDataset(uint256 id, bytes32 cid) external {
        if (!rules.openDataset) revert AppendOnly();
        Model storage model = _open(id, State.COLLECT);
        model.dataset = cid;
        emit DatasetUpdated(id, model.epoch, cid, msg.sender);
    }

    function _stands(Packet storage packet) internal view returns (bool) {
        return packet.status == Status.SUBMITTED || packet.status == Status.INCLUDED;
    }

    /// @dev The Merkle root over the packets that stand, in the order in which they came; zero over none.
    function _rootOf(uint256 id) internal view returns (bytes32) {
        Packet[] storage packets = _packets[id];
        bytes32[] memory level = new bytes32[](packets.length);
        uint256 n;
        for (uint256 i; i < packets.length; i++) {
            if (_stands(packets[i])) level[n++] = packets[i].leaf;
        }
        for (; n > 1; n = (n + 1) / 2) {
            for (uint256 i; i < n; i += 2) {
                level[i / 2] = i + 1 < n ? Tree.pair(level[i], level[i + 1]) : level[i];
            }
        }
        return packets.length == 0 ? bytes32(0) : level[0];
    }

    /// @dev What the workers think of each packet that stands: 0 rejects it, and it loses its deposit.
    function _mark(uint256 id, bytes memory marks) internal {
        Packet[] storage packets = _packets[id];
        uint256 at;
        for (uint256 i; i < packets.length && at < marks.length; i++) {
            Packet storage packet = packets[i];
            if (!_stands(packet)) continue;
            uint8 mark = uint8(marks[at++]);
            packet.mark = mark;
            if (mark == 0) {
                packet.status = Status.REJECTED;
                emit DataRejected(id, i, packet.owner, packet.deposit);
                _keep(id, packet.deposit, Cause.SLASH);
                packet.deposit = 0;
            } else {
                packet.status = Status.INCLUDED;
                emit DataIncluded(id, i, packet.owner, mark);
                _returnDeposit(id, packet);
            }
        }
    }

    function _returnDeposit(uint256 id, Packet storage packet) internal {
        _pay(id, packet.owner, packet.deposit, Cause.STAKE);
        packet.deposit = 0;
    }

    /// @dev An epoch's dividends, by the marks of those who are in the model; the treasury's where nobody is.
    function _distribute(uint256 id, uint256 amount) internal {
        Packet[] storage packets = _packets[id];
        uint256 sum;
        for (uint256 i; i < packets.length; i++) {
            if (packets[i].status == Status.INCLUDED) sum += packets[i].mark;
        }
        uint256 left = amount;
        for (uint256 i; i < packets.length && sum != 0; i++) {
            if (packets[i].status != Status.INCLUDED) continue;
            uint256 part = amount * packets[i].mark / sum;
            left -= part;
            _pay(id, packets[i].owner, part, Cause.REWARD);
        }
        _keep(id, left, Cause.FEE);
    }
}
