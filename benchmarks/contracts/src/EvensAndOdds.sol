// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

/// @title EvensAndOdds
/// @notice One player commits to a number, another says even or odd, and the first must open it within a day.
contract EvensAndOdds {
    struct Game {
        address first;
        address second;
        uint256 stake;
        bytes32 commitment;
        bool saysEven;
        uint256 opensBefore;
        bool over;
    }

    uint256 public constant OPENING_TIME = 1 days;
    uint256 public constant MIN_STAKE = 0.01 ether;

    Game[] public games;
    mapping(address => uint256) public winnings;
    uint256 public atStake;
    uint256 public won;

    event Proposed(uint256 indexed id, address indexed first, bytes32 commitment, uint256 stake);
    event Accepted(uint256 indexed id, address indexed second, bool saysEven);
    event Over(uint256 indexed id, address indexed winner, uint256 amount);

    function commitmentOf(address player, uint256 number, bytes32 salt) public pure returns (bytes32) {
        return keccak256(abi.encode(player, number, salt));
    }

    function gameCount() external view returns (uint256) {
        return games.length;
    }

    function propose(bytes32 commitment) external payable returns (uint256 id) {
        require(msg.value >= MIN_STAKE, "stake too small");
        id = games.length;
        games.push(Game(msg.sender, address(0), msg.value, commitment, false, 0, false));
        atStake += msg.value;
        emit Proposed(id, msg.sender, commitment, msg.value);
    }

    function withdrawProposal(uint256 id) external {
        Game storage game = games[id];
        require(msg.sender == game.first, "not your game");
        require(game.second == address(0), "somebody plays");
        _finish(id, game.first);
    }

    function accept(uint256 id, bool saysEven) external payable {
        Game storage game = games[id];
        require(!game.over && game.second == address(0), "not open");
        require(msg.value == game.stake, "wrong stake");
        game.second = msg.sender;
        game.saysEven = saysEven;
        game.opensBefore = block.timestamp + OPENING_TIME;
        atStake += msg.value;
        emit Accepted(id, msg.sender, saysEven);
    }

    function open(uint256 id, uint256 number, bytes32 salt) external {
        Game storage game = games[id];
        require(game.second != address(0), "nobody plays");
        require(block.timestamp < game.opensBefore, "too late");
        require(commitmentOf(game.first, number, salt) == game.commitment, "not what was committed to");
        _finish(id, (number % 2 == 0) == game.saysEven ? game.second : game.first);
    }

    function claimUnopened(uint256 id) external {
        Game storage game = games[id];
        require(game.second != address(0), "nobody plays");
        require(block.timestamp >= game.opensBefore, "too early");
        _finish(id, game.second);
    }

    function collect() external {
        uint256 amount = winnings[msg.sender];
        require(amount > 0, "nothing won");
        winnings[msg.sender] = 0;
        won -= amount;
        (bool ok,) = msg.sender.call{value: amount}("");
        require(ok, "payment failed");
    }

    function _finish(uint256 id, address winner) private {
        Game storage game = games[id];
        require(!game.over, "is over");
        game.over = true;
        uint256 pot = game.second == address(0) ? game.stake : 2 * game.stake;
        atStake -= pot;
        winnings[winner] += pot;
        won += pot;
        emit Over(id, winner, pot);
    }
}
