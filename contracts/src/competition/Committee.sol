// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Competition, Panel, State} from "./CompetitionTypes.sol";
import {CompetitionStorage} from "./CompetitionStorage.sol";
import {Cause} from "../common/Vault.sol";

/// @title Committee: who reports on which model, where miners may not choose
/// @notice Miners enrol while models are handed in, each behind a bond for being there. Once the time to open models is
/// over a committee is drawn for each of them, out of all who enrolled, nobody twice; only its members report. Whoever
/// was drawn and filed no report loses that bond; the others have it back when the competition is over.
/// @dev Invariant: a competition holds one bond for each miner who enrolled, until it was absent or all is over.
/// Not stopped: one person under many names, who puts up as many bonds and has them back, or fills the list; a builder
/// who misses its slot for another draw. Where salts draw, whoever opens last knows the draw and may keep still: k
/// sealed models give 2^k draws to choose from. Whoever calls first chooses the block, so given somebody who pokes at
/// once nobody waits for a better draw.
abstract contract Committee is CompetitionStorage {
    mapping(uint256 id => Panel) internal _panels;
    mapping(uint256 id => mapping(address miner => uint256)) internal _desks; // 1 + place among those who enrolled
    mapping(uint256 id => mapping(address miner => bool)) internal _absent; // and has lost its bond for it

    event Enrolled(uint256 indexed id, address indexed miner);
    event CommitteesDrawn(uint256 indexed id, bytes32 seed);

    error AlreadyEnrolled(uint256 id, address who);
    error Full(uint256 id);
    error NothingToDraw(uint256 id);
    error NotDrawn(uint256 id, uint256 model, address who);
    error NotMiner(uint256 id, address who);

    /// @notice The miners of a competition and their draw.
    /// @param id the competition's number
    /// @return the miners who are there to be drawn, and the draw
    function panelOf(uint256 id) external view returns (Panel memory) {
        return _panels[id];
    }

    /// @notice Who was drawn to report on a model; nobody before the draw.
    /// @param id the competition's number
    /// @param model the model's number in the order of handing in
    /// @return members their addresses
    function committeeOf(uint256 id, uint256 model) external view returns (address[] memory members) {
        uint256[] memory places = _drawn(id, model);
        members = new address[](places.length);
        for (uint256 i; i < places.length; i++) members[i] = _panels[id].miners[places[i]];
    }

    /// @notice Be there to be drawn. Pulls a bond.
    /// @param id the competition's number
    function enrol(uint256 id) external {
        Competition storage competition = _inState(id, State.COMPETITION);
        address[] storage miners = _panels[id].miners;
        if (rules.committee == 0) revert NothingToDraw(id);
        if (!rules.dualRole && isCompetitor[id][msg.sender]) revert NotMiner(id, msg.sender);
        if (_desks[id][msg.sender] != 0) revert AlreadyEnrolled(id, msg.sender);
        if (miners.length == rules.maxReports) revert Full(id);
        miners.push(msg.sender);
        _desks[id][msg.sender] = miners.length;
        competition.held += rules.bond;
        emit Enrolled(id, msg.sender);
        _deposit(msg.sender, rules.bond);
    }

    /// @notice Draw the committees. By anybody, once, when no model can be opened any more.
    /// @param id the competition's number
    function drawCommittees(uint256 id) external {
        _inState(id, State.REPORTING);
        Panel storage panel = _panels[id];
        if (panel.miners.length == 0 || panel.seed != 0) revert NothingToDraw(id);
        panel.seed = keccak256(abi.encode(rules.beacon ? bytes32(block.prevrandao) : panel.salts, id));
        emit CommitteesDrawn(id, panel.seed);
    }

    /// @dev Take an opened model's salt into the draw, where salts draw. The order of opening changes nothing.
    function _stir(uint256 id, uint256 model, bytes32 salt) internal {
        if (rules.committee != 0 && !rules.beacon) _panels[id].salts ^= keccak256(abi.encode(model, salt));
    }

    /// @dev Whether the caller may report on a model.
    function _seated(uint256 id, uint256 model) internal view returns (bool) {
        if (rules.committee == 0) return true;
        uint256[] memory places = _drawn(id, model);
        uint256 desk = _desks[id][msg.sender];
        for (uint256 i; i < places.length; i++) {
            if (places[i] + 1 == desk) return true;
        }
        return false;
    }

    /// @dev The bonds of those who were drawn for a model and filed no report on it; of each only once.
    function _miss(uint256 id, uint256 model) internal {
        uint256[] memory places = _drawn(id, model);
        for (uint256 i; i < places.length; i++) {
            address who = _panels[id].miners[places[i]];
            if (_places[id][model][who] != 0 || _absent[id][who]) continue;
            _absent[id][who] = true;
            _forfeit(id, model, who);
        }
    }

    /// @dev All others' bonds for being there.
    function _dismiss(uint256 id) internal {
        address[] storage miners = _panels[id].miners;
        for (uint256 i; i < miners.length; i++) {
            if (!_absent[id][miners[i]]) _pay(id, miners[i], rules.bond, Cause.STAKE);
        }
    }

    /// @dev Places of those who are drawn for a model: the first cards of a shuffled pack.
    function _drawn(uint256 id, uint256 model) private view returns (uint256[] memory places) {
        (bytes32 seed, uint256 all) = (_panels[id].seed, _panels[id].miners.length);
        if (seed == 0) return places;
        uint256 n = all < rules.committee ? all : rules.committee;
        places = new uint256[](all);
        for (uint256 i; i < all; i++) places[i] = i;
        for (uint256 i; i < n; i++) {
            uint256 other = i + uint256(keccak256(abi.encode(seed, model, i))) % (all - i);
            (places[i], places[other]) = (places[other], places[i]);
        }
        assembly ("memory-safe") {
            mstore(places, n)
        }
    }
}
