//! A block: an ordered batch of transactions, each final before the next begins.

use crate::reason::{Halt, Reason};
use crate::state::{State, Top};
use crate::transfers::{self, Error, Recorder, Transfer};
use revm::context::result::{ExecutionResult, Output};
use revm::context::transaction::AccessList;
use revm::context::{BlockEnv, CfgEnv, Context, ContextSetters, TxEnv};
use revm::handler::{Handler, MainnetContext};
use revm::primitives::{Address, Bytes, Log, TxKind, U256, hardfork::SpecId};
use revm::{ExecuteCommitEvm, ExecuteEvm, MainContext};

/// Bytes of memory that one transaction may use: a megabyte in each of 1,024 frames, which cost two billion gas, fits.
const MEMORY_LIMIT: u64 = 1 << 31;

/// The forks that are offered, oldest first.
pub const FORKS: [(&str, SpecId); 3] =
    [("cancun", SpecId::CANCUN), ("prague", SpecId::PRAGUE), ("osaka", SpecId::OSAKA)];

/// What the EVM may know of a block.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// Its number, time, fees and the like.
    pub block: BlockEnv,
    /// Hashes of the blocks before it, 32 bytes each, the youngest last.
    pub hashes: Bytes,
}

/// How a transaction ended.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Executed, undone by REVERT.
    Reverted = 0,
    /// Executed.
    Success = 1,
    /// Executed, undone by an exceptional halt.
    Halted = 2,
    /// Not executed: no room left in the block, or an earlier nonce is missing.
    Deferred = 3,
    /// Not executed, and it can never be.
    Invalid = 4,
}

/// A transaction, without signature (type 2, EIP-1559).
#[derive(Clone, Debug, Default)]
pub struct Transaction {
    /// Who signed it.
    pub sender: Address,
    /// Whom it calls; none for a creation.
    pub to: Option<Address>,
    /// Calldata or initcode.
    pub data: Bytes,
    /// Wei that it moves.
    pub value: U256,
    /// Gas that it declares.
    pub gas: u64,
    /// Wei per gas that it pays at most.
    pub max_fee: u128,
    /// Wei per gas that it tips at most.
    pub tip: u128,
    /// Its place among its sender's.
    pub nonce: u64,
    /// What it announces to touch (EIP-2930).
    pub access_list: AccessList,
}

/// What one transaction did.
#[derive(Clone, Debug)]
pub struct Receipt {
    /// How it ended.
    pub status: Status,
    /// Gas that it used; 0 where not executed.
    pub gas: u64,
    /// Return data, revert data, or the address of the created contract.
    pub output: Bytes,
    /// Events; none where undone.
    pub logs: Vec<Log>,
    /// Why it neither succeeded nor reverted.
    pub reason: Option<Reason>,
}

/// What a batch did.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// One for each transaction, in order.
    pub receipts: Vec<Receipt>,
    /// Every movement of wei, in order.
    pub transfers: Vec<Transfer>,
}

/// A fork's rules on one chain.
#[must_use]
pub fn rules(fork: SpecId, chain_id: u64) -> CfgEnv {
    let mut rules = CfgEnv::new_with_spec(fork);
    rules.chain_id = chain_id;
    rules.memory_limit = MEMORY_LIMIT;
    rules
}

/// Execute `batch` in order.
///
/// A transaction that declares more gas than the block has left is deferred, and so is one whose nonce is ahead of its
/// account's; execution goes on with the next.
pub fn run(state: &mut State, rules: &CfgEnv, around: &Surroundings, batch: Vec<Transaction>) -> Outcome {
    let mut evm = transfers::evm(context(state, rules, around));
    let mut outcome = Outcome { receipts: Vec::with_capacity(batch.len()), transfers: Vec::new() };
    let mut left = around.block.gas_limit;
    for (tx, transaction) in (0u32..).zip(batch) {
        let receipt = if transaction.gas > left {
            Receipt::unexecuted(Reason::Deferred(format!(
                "declares {} gas, the block has {left} left",
                transaction.gas
            )))
        } else {
            evm.ctx.set_tx(environment(rules, transaction));
            match Recorder::new(tx, &mut outcome.transfers).run(&mut evm) {
                Ok(result) => {
                    evm.commit_inner(); // per transaction: an account that died may be paid again later in the block
                    Receipt::executed(result)
                }
                Err(error) => {
                    evm.finalize(); // empties the journal
                    Receipt::refused(error)
                }
            }
        };
        left = left.saturating_sub(receipt.gas);
        outcome.receipts.push(receipt);
    }
    outcome
}

/// Execute without a trace, free of fees, and of checks on the nonce, the gas limit and the sender's code.
pub fn call(state: &mut State, rules: &CfgEnv, around: &Surroundings, transaction: Transaction) -> Receipt {
    let mut rules = rules.clone();
    rules.disable_nonce_check = true;
    rules.disable_base_fee = true;
    rules.disable_block_gas_limit = true;
    rules.disable_eip3607 = true;
    rules.tx_gas_limit_cap = Some(u64::MAX);
    let nonce = state.account(transaction.sender).nonce; // where a creation lands depends on it
    let transaction = Transaction { max_fee: 0, tip: 0, nonce, ..transaction };
    let mut evm = transfers::evm(context(state, &rules, around));
    evm.ctx.set_tx(environment(&rules, transaction));
    let result = Recorder::new(0, &mut Vec::new()).run(&mut evm);
    evm.finalize(); // empties the journal
    result.map_or_else(Receipt::refused, Receipt::executed)
}

fn context<'a>(state: &'a mut State, rules: &CfgEnv, around: &Surroundings) -> MainnetContext<&'a mut Top> {
    let block = around.block.clone();
    state.recall(block.number, around.hashes.clone());
    Context::mainnet().with_db(&mut state.top).with_cfg(rules.clone()).with_block(block)
}

/// A transaction as the EVM takes it.
pub(crate) fn environment(rules: &CfgEnv, transaction: Transaction) -> TxEnv {
    TxEnv {
        tx_type: 2,
        caller: transaction.sender,
        gas_limit: transaction.gas,
        gas_price: transaction.max_fee,
        kind: transaction.to.map_or(TxKind::Create, TxKind::Call),
        value: transaction.value,
        data: transaction.data,
        nonce: transaction.nonce,
        chain_id: Some(rules.chain_id),
        access_list: transaction.access_list,
        gas_priority_fee: Some(transaction.tip),
        blob_hashes: Vec::new(),
        max_fee_per_blob_gas: 0,
        authorization_list: Vec::new(),
    }
}

impl Receipt {
    /// What a result says.
    pub(crate) fn executed(result: ExecutionResult) -> Self {
        let gas = result.tx_gas_used();
        match result {
            ExecutionResult::Success { logs, output, .. } => {
                let output = match output {
                    Output::Create(_, Some(created)) => Bytes::copy_from_slice(created.as_slice()),
                    other => other.into_data(),
                };
                Self { status: Status::Success, gas, output, logs, reason: None }
            }
            ExecutionResult::Revert { output, .. } => {
                Self { status: Status::Reverted, gas, output, logs: Vec::new(), reason: None }
            }
            ExecutionResult::Halt { reason, .. } => {
                let reason = Some(Reason::Halted(Halt::from(reason)));
                Self { status: Status::Halted, gas, output: Bytes::new(), logs: Vec::new(), reason }
            }
        }
    }

    /// What an error says.
    pub(crate) fn refused(error: Error) -> Self {
        Self::unexecuted(match error {
            Error::Transaction(invalid) => Reason::from(invalid),
            other => Reason::Invalid(other.to_string()),
        })
    }

    fn unexecuted(reason: Reason) -> Self {
        Self { status: reason.status(), gas: 0, output: Bytes::new(), logs: Vec::new(), reason: Some(reason) }
    }
}
