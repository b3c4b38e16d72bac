//! What is searched: the contracts' functions, the accounts, the clock, and how many calls to spend.

use alloy_dyn_abi::DynSolType;
use revm::primitives::{Address, B256, Bytes, U256};

/// Seconds that a block takes.
const SECONDS_A_BLOCK: u64 = 12;

/// Where a search begins, what it may call, and how long it goes on.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// When and in which block every sequence begins.
    pub clock: Clock,
    /// Gas that each step declares.
    pub gas: u64,
    /// Gas that a block holds.
    pub block_gas: u64,
    /// Steps to execute.
    pub calls: u64,
    /// Of all that is drawn.
    pub seed: u64,
    /// Steps that a sequence has at most.
    pub length: usize,
    /// Who sends steps.
    pub accounts: Vec<Address>,
    /// The contract through which an account may act, and that account's place.
    pub puppet: Option<(Address, usize)>,
    /// What may be called, the puppet's own left out.
    pub functions: Vec<Function>,
    /// All contracts, whose code holds constants.
    pub contracts: Vec<Address>,
    /// Those contracts that are ERC-20 tokens.
    pub tokens: Vec<Address>,
    /// What must hold after every step.
    pub properties: Vec<Property>,
    /// First topics of events that say that an assertion failed.
    pub alarms: Vec<B256>,
    /// Values worth trying.
    pub words: Vec<U256>,
    /// Sequences to execute first.
    pub corpus: Vec<Vec<Step>>,
}

/// A function of a contract.
#[derive(Clone, Debug)]
pub struct Function {
    /// Whose it is.
    pub contract: Address,
    /// How calldata begins; empty for a plain payment.
    pub selector: Bytes,
    /// What its parameters are.
    pub inputs: Vec<DynSolType>,
    /// Whether it takes wei.
    pub payable: bool,
    /// Whether it says that it changes nothing.
    pub view: bool,
}

/// A call that must not fail, and must not answer false.
#[derive(Clone, Debug)]
pub struct Property {
    /// Whose it is.
    pub to: Address,
    /// Calldata.
    pub data: Bytes,
    /// Whether it answers true or false; otherwise it only must not fail.
    pub boolean: bool,
}

/// One call of a sequence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// Who calls.
    pub sender: Address,
    /// Whom.
    pub to: Address,
    /// Calldata.
    pub data: Bytes,
    /// Wei.
    pub value: U256,
    /// Seconds since the step before; 0 is the same block.
    pub wait: u64,
}

/// Time as the EVM sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clock {
    /// Unix seconds.
    pub now: u64,
    /// Of the block.
    pub number: u64,
}

impl Clock {
    /// So many seconds later; 0 is the same block once more.
    #[must_use]
    pub fn after(self, wait: u64) -> Self {
        let blocks = wait.div_ceil(SECONDS_A_BLOCK);
        Self { now: self.now.saturating_add(wait), number: self.number.saturating_add(blocks) }
    }
}

impl Function {
    /// One from its signature, such as `transfer(address,uint256)`; none if that cannot be read.
    #[must_use]
    pub fn new(contract: Address, signature: &str, selector: Bytes, payable: bool, view: bool) -> Option<Self> {
        let (_, types) = signature.split_once('(')?;
        let inputs = match types {
            ")" => Vec::new(),
            types => match DynSolType::parse(&format!("({types}")).ok()? {
                DynSolType::Tuple(inputs) => inputs,
                other => vec![other],
            },
        };
        Some(Self { contract, selector, inputs, payable, view })
    }
}
