//! Accounts in layers: the top one is written, the ones below are frozen and shared by snapshots and copies.
//!
//! A snapshot freezes the top. Whenever a frozen layer is not at least twice as large as the one above it, the two are
//! merged, so that the depth stays logarithmic in the size of the state, and so does the work per entry.

use revm::bytecode::Bytecode;
use revm::database::{AccountState, CacheDB};
use revm::database_interface::DatabaseRef;
use revm::primitives::{Address, B256, U256};
use revm::state::AccountInfo;
use std::convert::Infallible;
use std::mem;
use std::sync::Arc;

/// A layer that is written: what it lacks is looked up in the frozen ones below.
pub type Top = CacheDB<Below>;

/// The frozen layers under another one; none at genesis.
#[derive(Clone, Debug, Default)]
pub struct Below(Option<Arc<Frozen>>);

#[derive(Clone, Debug)]
struct Frozen {
    layer: Top,
    size: usize, // accounts and slots
}

impl DatabaseRef for Below {
    type Error = Infallible;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, Infallible> {
        self.0.as_ref().map_or(Ok(None), |frozen| frozen.layer.basic_ref(address))
    }

    fn code_by_hash_ref(&self, hash: B256) -> Result<Bytecode, Infallible> {
        self.0.as_ref().map_or_else(|| Ok(Bytecode::default()), |frozen| frozen.layer.code_by_hash_ref(hash))
    }

    fn storage_ref(&self, address: Address, slot: U256) -> Result<U256, Infallible> {
        self.0.as_ref().map_or(Ok(U256::ZERO), |frozen| frozen.layer.storage_ref(address, slot))
    }

    /// There are no block hashes: BLOCKHASH is zero.
    fn block_hash_ref(&self, _number: u64) -> Result<B256, Infallible> {
        Ok(B256::ZERO)
    }
}

/// The world state of one chain, with its snapshots.
#[derive(Debug, Default)]
pub struct State {
    /// The layer that transactions write to.
    pub top: Top,
    snapshots: Vec<(u64, Below)>, // oldest first
    taken: u64,
}

impl State {
    /// An account's balance, nonce and code hash; all empty where there is none.
    #[must_use]
    pub fn account(&self, address: Address) -> AccountInfo {
        let Ok(info) = self.top.basic_ref(address);
        info.unwrap_or_default()
    }

    /// An account's code.
    #[must_use]
    pub fn code(&self, address: Address) -> Bytecode {
        let Ok(code) = self.top.code_by_hash_ref(self.account(address).code_hash);
        code
    }

    /// One word of an account's storage.
    #[must_use]
    pub fn storage(&self, address: Address, slot: U256) -> U256 {
        let Ok(value) = self.top.storage_ref(address, slot);
        value
    }

    /// Set a balance.
    pub fn fund(&mut self, address: Address, balance: U256) {
        self.top.insert_account_info(address, AccountInfo { balance, ..self.account(address) });
    }

    /// Remember this moment; returns its name, never given twice.
    pub fn snapshot(&mut self) -> u64 {
        let below = self.freeze();
        self.taken += 1;
        self.snapshots.push((self.taken, below));
        self.taken
    }

    /// Go back to a snapshot and forget younger ones; false if it is not known (any more).
    pub fn restore(&mut self, name: u64) -> bool {
        let Ok(at) = self.snapshots.binary_search_by_key(&name, |(taken, _)| *taken) else { return false };
        self.snapshots.truncate(at + 1);
        if let Some((_, below)) = self.snapshots.last() {
            self.top = Top::new(below.clone());
        }
        true
    }

    /// A state of its own that begins here, with no snapshots; both share what is frozen.
    #[must_use]
    pub fn copy(&mut self) -> Self {
        Self { top: Top::new(self.freeze()), ..Self::default() }
    }

    /// How many layers a lookup may pass.
    #[must_use]
    pub fn depth(&self) -> usize {
        std::iter::successors(self.top.db.0.as_ref(), |frozen| frozen.layer.db.0.as_ref()).count() + 1
    }

    /// Freeze the top, merging layers of like size, and begin an empty one.
    fn freeze(&mut self) -> Below {
        let mut layer = mem::take(&mut self.top);
        let mut size = size(&layer);
        if size == 0 {
            self.top.db = layer.db.clone();
            return layer.db;
        }
        while let Some(below) = layer.db.0.take_if(|below| below.size < 2 * size) {
            let lower = Arc::try_unwrap(below).map_or_else(|shared| shared.layer.clone(), |own| own.layer);
            layer = merge(lower, layer);
            size = self::size(&layer);
        }
        let below = Below(Some(Arc::new(Frozen { layer, size })));
        self.top.db = below.clone();
        below
    }
}

fn size(layer: &Top) -> usize {
    layer.cache.accounts.values().map(|account| 1 + account.storage.len()).sum()
}

/// One layer that reads as `upper` over `lower`.
fn merge(mut lower: Top, upper: Top) -> Top {
    for (address, new) in upper.cache.accounts {
        let old = lower.cache.accounts.entry(address).or_default();
        match new.account_state {
            AccountState::NotExisting | AccountState::StorageCleared => *old = new,
            state => {
                old.info = new.info;
                old.storage.extend(new.storage);
                old.account_state = match old.account_state {
                    // what is under a created or destroyed account stays out of sight
                    AccountState::NotExisting | AccountState::StorageCleared => AccountState::StorageCleared,
                    _ => state,
                };
            }
        }
    }
    lower.cache.contracts.extend(upper.cache.contracts);
    lower
}
