//! Accounts in layers: the top one is written, the ones below are frozen and shared by snapshots and copies.
//!
//! A snapshot freezes the top. Whenever a frozen layer is not at least twice as large as the one above it, the two are
//! merged, so that the depth stays logarithmic in the size of the state, and so does the work per entry.

use revm::bytecode::Bytecode;
use revm::database::{AccountState, CacheDB};
use revm::database_interface::DatabaseRef;
use revm::primitives::{Address, B256, Bytes, U256};
use revm::state::AccountInfo;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::mem;
use std::sync::Arc;

/// A layer that is written: what it lacks is looked up in the frozen ones below.
pub type Top = CacheDB<Below>;

/// The frozen layers under another one, none at genesis; and what BLOCKHASH knows.
#[derive(Clone, Debug, Default)]
pub struct Below {
    frozen: Option<Arc<Frozen>>,
    past: Past,
}

/// Hashes of the blocks before the one that runs, 32 bytes each, the youngest last.
#[derive(Clone, Debug, Default)]
struct Past {
    number: U256, // of the block that runs
    hashes: Bytes,
}

#[derive(Clone, Debug)]
struct Frozen {
    layer: Top,
    size: usize, // accounts and slots
}

impl DatabaseRef for Below {
    type Error = Infallible;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, Infallible> {
        self.frozen.as_ref().map_or(Ok(None), |frozen| frozen.layer.basic_ref(address))
    }

    fn code_by_hash_ref(&self, hash: B256) -> Result<Bytecode, Infallible> {
        self.frozen.as_ref().map_or_else(|| Ok(Bytecode::default()), |frozen| frozen.layer.code_by_hash_ref(hash))
    }

    fn storage_ref(&self, address: Address, slot: U256) -> Result<U256, Infallible> {
        self.frozen.as_ref().map_or(Ok(U256::ZERO), |frozen| frozen.layer.storage_ref(address, slot))
    }

    fn block_hash_ref(&self, number: u64) -> Result<B256, Infallible> {
        Ok(self.past.hash(number).unwrap_or_default())
    }
}

impl Past {
    fn hash(&self, number: u64) -> Option<B256> {
        let ago = usize::try_from(self.number.checked_sub(U256::from(number))?).ok()?;
        let begin = self.hashes.len().checked_sub(ago.checked_mul(32)?)?;
        Some(B256::from_slice(self.hashes.get(begin..begin + 32)?))
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

    /// Set an account's nonce, code and storage; its balance stays.
    pub fn place(
        &mut self,
        address: Address,
        nonce: u64,
        code: Bytes,
        storage: impl IntoIterator<Item = (U256, U256)>,
    ) {
        let code = Bytecode::new_legacy(code);
        let info = AccountInfo { balance: self.account(address).balance, nonce, ..AccountInfo::from_bytecode(code) };
        self.top.insert_account_info(address, info);
        let Ok(()) = self.top.replace_account_storage(address, storage.into_iter().collect());
    }

    /// Say which block runs, and the hashes of those before it.
    pub fn recall(&mut self, number: U256, hashes: Bytes) {
        self.top.cache.block_hashes.clear(); // revm's memory of another block's answers
        self.top.db.past = Past { number, hashes };
    }

    /// Every account that is not empty, by address: its info, code and storage.
    #[must_use]
    pub fn accounts(&self) -> Vec<(Address, AccountInfo, Bytecode, BTreeMap<U256, U256>)> {
        let mut slots: BTreeMap<Address, BTreeMap<U256, U256>> = BTreeMap::new();
        for (address, account) in layers(&self.top).flat_map(|layer| &layer.cache.accounts) {
            let words = account.storage.keys().map(|slot| (*slot, self.storage(*address, *slot)));
            slots.entry(*address).or_default().extend(words.filter(|(_, value)| !value.is_zero()));
        }
        let row = |(address, storage)| (address, self.account(address), self.code(address), storage);
        slots.into_iter().map(row).filter(|(_, info, _, storage)| !(info.is_empty() && storage.is_empty())).collect()
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
        layers(&self.top).count()
    }

    /// Freeze the top, merging layers of like size, and begin an empty one.
    fn freeze(&mut self) -> Below {
        let mut layer = mem::take(&mut self.top);
        layer.db.past = Past::default();
        let mut size = size(&layer);
        if size == 0 {
            self.top.db = layer.db.clone();
            return layer.db;
        }
        while let Some(below) = layer.db.frozen.take_if(|below| below.size < 2 * size) {
            let lower = Arc::try_unwrap(below).map_or_else(|shared| shared.layer.clone(), |own| own.layer);
            layer = merge(lower, layer);
            size = self::size(&layer);
        }
        let below = Below { frozen: Some(Arc::new(Frozen { layer, size })), past: Past::default() };
        self.top.db = below.clone();
        below
    }
}

/// A layer and those below it, from the top down.
fn layers(top: &Top) -> impl Iterator<Item = &Top> {
    std::iter::successors(Some(top), |layer| layer.db.frozen.as_ref().map(|frozen| &frozen.layer))
}

/// Whether an account without code and nonce has storage all the same: only [`State::place`] makes such.
#[must_use]
pub fn has_storage(top: &Top, address: Address) -> bool {
    let mut known = layers(top).filter_map(|layer| layer.cache.accounts.get(&address));
    known.any(|account| account.storage.values().any(|value| !value.is_zero()))
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
