// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// What the tests of `slashpoint check` deploy. out/ is what solc 0.8.30 makes of it (optimizer 200 runs, prague), in
/// Foundry's shape.

contract Coin {
    string public name;
    string public symbol;
    uint8 public constant decimals = 6;
    uint256 public totalSupply;
    address public immutable owner;
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;

    event Transfer(address indexed from, address indexed to, uint256 value);

    error NotOwner(address caller);

    constructor(string memory name_, string memory symbol_, address owner_) {
        (name, symbol, owner) = (name_, symbol_, owner_);
    }

    function mint(address to, uint256 value) external {
        if (msg.sender != owner) revert NotOwner(msg.sender);
        totalSupply += value;
        balanceOf[to] += value;
        emit Transfer(address(0), to, value);
    }

    function transfer(address to, uint256 value) public returns (bool) {
        balanceOf[msg.sender] -= value;
        balanceOf[to] += value;
        emit Transfer(msg.sender, to, value);
        return true;
    }

    function approve(address spender, uint256 value) external returns (bool) {
        allowance[msg.sender][spender] = value;
        return true;
    }

    function transferFrom(address from, address to, uint256 value) external returns (bool) {
        allowance[from][msg.sender] -= value;
        balanceOf[from] -= value;
        balanceOf[to] += value;
        emit Transfer(from, to, value);
        return true;
    }
}

library Fees {
    function part(uint256 value, uint256 bps) external pure returns (uint256) {
        return value * bps / 10_000;
    }
}

contract Till {
    struct Rules {
        uint256 bps;
        address keeper;
        uint64 until;
    }

    Coin public immutable coin;
    Rules public rules;
    mapping(address => uint256) public paid;

    event Paid(address indexed who, uint256 value, uint256 fee);

    error TooLate(uint256 until);

    constructor(Coin coin_, Rules memory rules_) payable {
        (coin, rules) = (coin_, rules_);
    }

    function pay(uint256 value) external {
        if (block.timestamp > rules.until) revert TooLate(rules.until);
        coin.transferFrom(msg.sender, address(this), value);
        uint256 fee = Fees.part(value, rules.bps);
        paid[msg.sender] += value - fee;
        emit Paid(msg.sender, value, fee);
    }
}

/// Pays before it forgets what it owes.
contract Bank {
    mapping(address => uint256) public owed;

    event Deposited(address indexed who, uint256 value);
    event Withdrawn(address indexed who, uint256 value);

    function deposit() external payable {
        require(msg.value > 0, "nothing sent");
        owed[msg.sender] += msg.value;
        emit Deposited(msg.sender, msg.value);
    }

    function withdraw() external {
        uint256 value = owed[msg.sender];
        require(value > 0, "nothing owed");
        (bool ok,) = msg.sender.call{value: value}("");
        require(ok, "not paid");
        owed[msg.sender] = 0;
        emit Withdrawn(msg.sender, value);
    }
}

/// Its property fails once somebody adds three.
contract Counter {
    uint256 public count;
    address public owner;
    bool private _ready;

    function initialize(address owner_, uint256 first) external {
        require(!_ready, "ready");
        (_ready, owner, count) = (true, owner_, first);
    }

    function add(uint256 value) external {
        require(value < 4, "too many");
        count += value;
    }

    function invariant_small() external view returns (bool) {
        return count < 3;
    }
}

contract Proxy {
    bytes32 private constant SLOT = 0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc;

    error NotSetUp();

    constructor(address implementation, bytes memory data) payable {
        assembly ("memory-safe") {
            sstore(SLOT, implementation)
        }
        if (data.length == 0) return;
        (bool ok,) = implementation.delegatecall(data);
        if (!ok) revert NotSetUp();
    }

    fallback() external payable {
        assembly ("memory-safe") {
            calldatacopy(0, 0, calldatasize())
            let ok := delegatecall(gas(), sload(SLOT), 0, calldatasize(), 0, 0)
            returndatacopy(0, 0, returndatasize())
            switch ok
            case 0 { revert(0, returndatasize()) }
            default { return(0, returndatasize()) }
        }
    }
}

contract Picky {
    error TooSmall(uint256 given, uint256 least);

    constructor(uint8 size, bytes32 tag, bool open, uint256[] memory steps, int64 shift) {
        if (size < 10) revert TooSmall(size, 10);
        require(open && tag != 0 && steps.length > 0 && shift < 0, "not so");
    }

    function touch() external pure returns (bool) {
        return true;
    }

    function poke() external {
        revert("never");
    }
}

contract Left {
    Right public right;

    constructor(Right right_) {
        right = right_;
    }

    function touch() external {}
}

contract Right {
    Left public left;

    constructor(Left left_) {
        left = left_;
    }

    function touch() external {}
}

interface IShop {
    function touch() external;
}

contract Mute {
    uint256 public number = 5;
}
