//! Every movement of wei, at any call depth, read from the EVM's journal.
//!
//! The journal holds what was not undone, in order: reverted frames are gone from it. It is read in
//! [`Handler::execution_result`], the last moment before it is cleared. It does not tell a CALL's transfer from a
//! CREATE's or a SELFDESTRUCT's, so those two are marked by an entry that changes nothing: a transfer of no wei from an
//! account to itself, which the EVM never writes. Marks are undone with their frame.

use crate::state::{Top, has_storage};
use revm::context::result::{EVMError, ExecutionResult, HaltReason, InvalidTransaction, ResultGas};
use revm::context::{self, BlockEnv, CfgEnv, Journal, JournalEntry, TxEnv};
use revm::handler::{EvmTr, FrameData, FrameResult, Handler, ItemOrResult, MainnetEvm, MainnetHandler};
use revm::interpreter::interpreter::EthInterpreter;
use revm::interpreter::interpreter_action::{FrameInit, FrameInput};
use revm::interpreter::interpreter_types::InputsTr;
use revm::interpreter::{
    Instruction, InstructionContext, InstructionExecResult, InstructionResult, InterpreterAction, instructions::host,
};
use revm::primitives::{Address, U256};
use revm::{MainBuilder, bytecode::opcode};
use std::convert::Infallible;

/// What an EVM runs in; `C` is at hand of every instruction.
pub type Context<'a, C = ()> = context::Context<BlockEnv, TxEnv, CfgEnv, &'a mut Top, Journal<&'a mut Top>, C>;

/// The EVM of one block. It is not `Send`: it lives and dies inside the batch.
pub type Evm<'a, C = ()> = MainnetEvm<Context<'a, C>>;

/// What the EVM may answer instead of a result.
pub type Error = EVMError<Infallible, InvalidTransaction>;

/// What moved wei.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Movement {
    /// The transaction's own value, or a CALL with value.
    Call = 0,
    /// The endowment of a new contract.
    Create = 1,
    /// The balance of a contract that self-destructs.
    SelfDestruct = 2,
    /// Wei destroyed with an account.
    Burn = 3,
}

/// One movement of wei: never of zero, never to oneself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// Index in the batch.
    pub tx: u32,
    /// What moved it.
    pub kind: Movement,
    /// Who had it.
    pub sender: Address,
    /// Who has it; the zero address for a burn.
    pub receiver: Address,
    /// How much.
    pub wei: U256,
}

/// An EVM whose journal tells creations and self-destructions from calls.
pub fn evm<C>(context: Context<'_, C>) -> Evm<'_, C> {
    let mut evm = context.build_mainnet();
    let &[.., gas] = evm.instruction.gas_table(); // the last opcode is SELFDESTRUCT's
    evm.instruction.insert_instruction(opcode::SELFDESTRUCT, Instruction::new(selfdestruct), gas);
    evm
}

/// SELFDESTRUCT that marks the transfer that it leaves behind.
fn selfdestruct<C>(context: InstructionContext<'_, Context<'_, C>, EthInterpreter>) -> InstructionExecResult {
    let InstructionContext { interpreter, host } = context;
    let before = host.journaled_state.inner.journal.len();
    let outcome = host::selfdestruct(InstructionContext { interpreter: &mut *interpreter, host: &mut *host });
    let journal = &mut host.journaled_state.inner.journal;
    let moved =
        |entry: &JournalEntry| matches!(entry, JournalEntry::BalanceTransfer { balance, .. } if !balance.is_zero());
    if journal.len() > before && journal.last().is_some_and(moved) {
        journal.push(mark(interpreter.input.target_address()));
    }
    outcome
}

fn mark(account: Address) -> JournalEntry {
    JournalEntry::BalanceTransfer { balance: U256::ZERO, from: account, to: account }
}

/// Mainnet's rules, with the transfers of transaction `tx` appended to `transfers`.
pub struct Recorder<'r, 'a, C = ()> {
    tx: u32,
    transfers: &'r mut Vec<Transfer>,
    mainnet: MainnetHandler<Evm<'a, C>, Error, <Evm<'a, C> as EvmTr>::Frame>,
}

impl<'r, C> Recorder<'r, '_, C> {
    /// A recorder for the transaction at index `tx`.
    pub fn new(tx: u32, transfers: &'r mut Vec<Transfer>) -> Self {
        Self { tx, transfers, mainnet: MainnetHandler::default() }
    }
}

impl<'a, C> Handler for Recorder<'_, 'a, C> {
    type Evm = Evm<'a, C>;
    type Error = Error;
    type HaltReason = HaltReason;

    /// Mainnet's loop, with `begin` before each frame.
    fn run_exec_loop(&mut self, evm: &mut Evm<'a, C>, first: FrameInit) -> Result<FrameResult, Error> {
        let mut begun = begin(evm, first)?;
        if evm.frame_stack.index().is_none()
            && let ItemOrResult::Result(result) = begun
        {
            return Ok(result);
        }
        loop {
            let result = match begun {
                ItemOrResult::Result(result) => result,
                ItemOrResult::Item(()) => match evm.frame_run()? {
                    ItemOrResult::Result(result) => result,
                    ItemOrResult::Item(inner) => {
                        begun = begin(evm, inner)?;
                        continue;
                    }
                },
            };
            if let Some(last) = evm.frame_return_result(result)? {
                return Ok(last);
            }
            begun = ItemOrResult::Item(());
        }
    }

    fn execution_result(
        &mut self,
        evm: &mut Evm<'a, C>,
        result: FrameResult,
        gas: ResultGas,
    ) -> Result<ExecutionResult, Error> {
        read(self.tx, evm, self.transfers);
        self.mainnet.execution_result(evm, result, gas)
    }
}

/// Begin a frame, and mark its endowment if it has one; end it at once if what it creates has storage (EIP-7610).
fn begin<C>(evm: &mut Evm<'_, C>, init: FrameInit) -> Result<ItemOrResult<(), FrameResult>, Error> {
    let endowed = matches!(&init.frame_input, FrameInput::Create(inputs) if !inputs.value().is_zero());
    let created = match evm.frame_init(init)? {
        ItemOrResult::Result(result) => return Ok(ItemOrResult::Result(result)),
        ItemOrResult::Item(frame) => match &frame.data {
            FrameData::Create(create) => Some(create.created_address),
            FrameData::Call(_) => None,
        },
    };
    if created.is_some_and(|address| has_storage(evm.ctx.journaled_state.database, address)) {
        let frame = evm.frame_stack.get();
        let collision = InterpreterAction::new_halt(InstructionResult::CreateCollision, frame.interpreter.gas);
        let ended = frame.process_next_action::<_, Error>(&mut evm.ctx, collision)?;
        frame.is_finished = true;
        return Ok(ended.map_item(|_| ()));
    }
    let journal = &mut evm.ctx.journaled_state.inner.journal;
    if let Some(created) = created.filter(|_| endowed) {
        journal.push(mark(created));
    }
    Ok(ItemOrResult::Item(()))
}

/// Append what the journal holds.
fn read<C>(tx: u32, evm: &Evm<'_, C>, transfers: &mut Vec<Transfer>) {
    let journal = &evm.ctx.journaled_state.inner;
    let mut destroyed: Vec<Address> = Vec::new();
    for entry in &journal.journal {
        match *entry {
            JournalEntry::BalanceTransfer { balance, from, to } if balance.is_zero() && from == to => {
                if let Some(marked) = transfers.last_mut().filter(|last| last.tx == tx) {
                    marked.kind = if marked.receiver == to { Movement::Create } else { Movement::SelfDestruct };
                }
            }
            JournalEntry::BalanceTransfer { balance: wei, from: sender, to: receiver } if !wei.is_zero() => {
                transfers.push(Transfer { tx, kind: Movement::Call, sender, receiver, wei });
            }
            JournalEntry::AccountDestroyed { had_balance: wei, address: sender, target, .. } => {
                if !destroyed.contains(&sender) {
                    destroyed.push(sender);
                }
                if !wei.is_zero() {
                    let burns = target == sender;
                    let kind = if burns { Movement::Burn } else { Movement::SelfDestruct };
                    let receiver = if burns { Address::ZERO } else { target };
                    transfers.push(Transfer { tx, kind, sender, receiver, wei });
                }
            }
            _ => {}
        }
    }
    destroyed.sort_unstable(); // wei that reached an account after it self-destructed dies with it
    for sender in destroyed {
        let wei = journal.state.get(&sender).map_or(U256::ZERO, |account| account.info.balance);
        if !wei.is_zero() {
            transfers.push(Transfer { tx, kind: Movement::Burn, sender, receiver: Address::ZERO, wei });
        }
    }
}
