//! An EVM that executes one step after the other, watches, and leaves it to its user what to keep.

use super::plan::{Clock, Plan, Step};
use super::watch::{Watch, watched};
use crate::block::{Receipt, Status, Transaction, environment};
use crate::state::Top;
use crate::transfers::{Evm, Recorder, evm};
use revm::context::{BlockEnv, CfgEnv, Context, ContextSetters};
use revm::database_interface::DatabaseCommit;
use revm::handler::Handler;
use revm::primitives::{Address, B256, Bytes, U256};
use revm::state::{AccountInfo, EvmState};
use revm::{ExecuteEvm, MainContext};

/// A word of storage, or, without one, what an account holds.
pub type Place = (Address, Option<U256>);

/// An EVM, and where it stands.
pub struct Machine<'a> {
    evm: Evm<'a, Watch>,
    rules: CfgEnv,
    gas: u64,
    /// The block that ran last.
    pub clock: Clock,
    /// The block of the last step, kept or not.
    pub ran: Clock,
}

/// What one step did, before it is kept.
pub struct Ran {
    /// How it ended, what it used and returned, its events.
    pub receipt: Receipt,
    /// When it ran.
    pub clock: Clock,
    /// What it changed, in order of address and slot; nothing if it failed.
    pub changes: Vec<Place>,
    state: EvmState,
}

impl<'a> Machine<'a> {
    /// One that works on a state.
    pub fn new(top: &'a mut Top, rules: CfgEnv, plan: &Plan) -> Self {
        let block = BlockEnv { gas_limit: plan.block_gas, basefee: 0, ..BlockEnv::default() };
        let context = Context::mainnet().with_cfg(rules.clone()).with_block(block).with_db(top);
        let mut evm = evm(context.with_chain(Watch::default()));
        watched(&mut evm.instruction);
        Self { evm, rules, gas: plan.gas, clock: plan.clock, ran: plan.clock }
    }

    /// The state.
    pub fn top(&mut self) -> &mut Top {
        self.evm.ctx.journaled_state.database
    }

    /// What was seen of the last step.
    pub fn watch(&mut self) -> &mut Watch {
        &mut self.evm.ctx.chain
    }

    /// An account's balance and nonce.
    pub fn account(&mut self, address: Address) -> AccountInfo {
        let Ok(account) = self.top().load_account(address);
        account.info.clone()
    }

    /// Execute a step; nothing of it stays unless it is kept.
    pub fn play(&mut self, step: &Step) -> Ran {
        self.evm.ctx.chain.clear();
        let clock = self.clock.after(step.wait);
        self.ran = clock;
        let (receipt, state) = self.execute(step, clock);
        let changes = if receipt.status == Status::Success { self.changes(step.sender, &state) } else { Vec::new() };
        Ran { receipt, clock, changes, state }
    }

    /// Make a step's changes last.
    pub fn keep(&mut self, ran: Ran) {
        self.clock = ran.clock;
        self.top().commit(ran.state);
    }

    /// Ask without a trace: the answer, none if it fails; and the words of storage that it depends on, in any order.
    pub fn ask(&mut self, to: Address, data: &Bytes) -> (Option<Bytes>, Vec<(Address, U256)>) {
        let step = Step { to, data: data.clone(), ..Step::default() };
        self.evm.ctx.chain.idle = true;
        (self.evm.ctx.chain.clock, self.evm.ctx.chain.funds) = (false, false);
        let (receipt, state) = self.execute(&step, self.clock);
        self.evm.ctx.chain.idle = false;
        let words = |(address, account): (&Address, &revm::state::Account)| {
            let address = *address;
            account.storage.keys().map(move |slot| (address, *slot)).collect::<Vec<_>>()
        };
        let reads = state.iter().flat_map(words).collect();
        ((receipt.status == Status::Success).then_some(receipt.output), reads)
    }

    fn execute(&mut self, step: &Step, clock: Clock) -> (Receipt, EvmState) {
        let nonce = self.account(step.sender).nonce;
        let block = &mut self.evm.ctx.block;
        (block.number, block.timestamp) = (U256::from(clock.number), U256::from(clock.now));
        block.prevrandao = Some(B256::from(block.number));
        let (to, data) = (Some(step.to), step.data.clone());
        let (sender, value, gas) = (step.sender, step.value, self.gas);
        let transaction = Transaction { sender, to, data, value, gas, nonce, ..Transaction::default() };
        self.evm.ctx.set_tx(environment(&self.rules, transaction));
        let result = Recorder::new(0, &mut Vec::new()).run(&mut self.evm);
        (result.map_or_else(Receipt::refused, Receipt::executed), self.evm.finalize())
    }

    /// What differs from the state below; a sender's nonce does not count.
    fn changes(&mut self, sender: Address, state: &EvmState) -> Vec<Place> {
        let known = &self.evm.ctx.journaled_state.database.cache.accounts;
        let mut changes = Vec::new();
        for (address, account) in state.iter().filter(|(_, account)| account.is_touched()) {
            let before = known.get(address).map(|known| &known.info);
            let same = before.is_some_and(|before| {
                let nonce = before.nonce == account.info.nonce || *address == sender;
                nonce && before.balance == account.info.balance && before.code_hash == account.info.code_hash
            });
            let absent = before.is_none() && account.info.is_empty();
            if account.is_selfdestructed() || account.is_created() || !(same || absent) {
                changes.push((*address, None));
            }
            changes.extend(account.changed_storage_slots().map(|(slot, _)| (*address, Some(*slot))));
        }
        changes.sort_unstable();
        changes
    }
}
