//! The module as Python sees it: an engine, and what a block did.

use crate::abi::{self, Abi, Registry};
use crate::block::{self, FORKS, Outcome, Receipt, Transaction};
use crate::convert;
use crate::search;
use crate::state::State;
use pyo3::exceptions::{PyKeyError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString, PyTuple};
use revm::context::CfgEnv;
use revm::primitives::{Address, Bytes, Log};
use revm::state::AccountInfo;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, TryLockError};

/// An EVM with accounts, nonces and exact gas. One per thread: a second thread that comes in meanwhile is refused.
#[pyclass(frozen, module = "slashpoint_revm")]
struct Engine {
    chain: Mutex<Chain>,
    rules: CfgEnv,
}

#[derive(Default)]
struct Chain {
    state: State,
    registry: Arc<Registry>,
}

#[pymethods]
impl Engine {
    /// An empty chain under the rules of `fork`.
    #[new]
    fn new(fork: &str, chain_id: u64) -> PyResult<Self> {
        let known = FORKS.iter().find(|(name, _)| *name == fork);
        let (_, spec) = known.ok_or_else(|| {
            let names = FORKS.map(|(name, _)| name).join(", ");
            PyValueError::new_err(format!("there is no fork {fork:?}; there are {names}"))
        })?;
        Ok(Self { chain: Mutex::default(), rules: block::rules(*spec, chain_id) })
    }

    /// Execute transactions in order as one block; nothing is executed if one of them is malformed.
    fn run_block(&self, py: Python<'_>, context: &Bound<'_, PyAny>, txs: &Bound<'_, PyAny>) -> PyResult<Block> {
        let registry = self.registry(py)?;
        self.run(py, context, convert::transactions(txs, &registry)?, registry)
    }

    /// The same from columns, for calls without access lists: see `convert::columns`.
    fn run_columns(&self, py: Python<'_>, context: &Bound<'_, PyAny>, columns: &Bound<'_, PyAny>) -> PyResult<Block> {
        self.run(py, context, convert::columns(columns)?, self.registry(py)?)
    }

    /// Say which ABI is at an address: it encodes calls given by name, and decodes events.
    fn register(&self, py: Python<'_>, address: &Bound<'_, PyAny>, abi: &Abi) -> PyResult<()> {
        let address = convert::address(address)?;
        let interface = Arc::clone(&abi.0);
        self.enter(py, |chain| {
            Arc::make_mut(&mut chain.registry).insert(address, interface);
        })
    }

    /// Execute without a trace: `(status, gas, output, reason, logs)`.
    fn call<'py>(
        &self,
        py: Python<'py>,
        context: &Bound<'_, PyAny>,
        tx: &Bound<'_, PyAny>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let around = convert::block(context).map_err(convert::named("context"))?;
        let transaction = convert::transaction(tx, &*self.registry(py)?).map_err(convert::named("transaction"))?;
        let Receipt { status, gas, output, logs, reason } =
            self.enter(py, |chain| block::call(&mut chain.state, &self.rules, &around, transaction))?;
        let reason = reason.map(|reason| reason.to_string()).unwrap_or_default();
        let logs = logs.iter().map(|log| log_fields(py, 0, log)).collect::<PyResult<Vec<_>>>()?;
        (status as u8, gas, PyBytes::new(py, &output), reason, PyTuple::new(py, logs)?).into_pyobject(py)
    }

    /// Set a balance.
    fn fund(&self, py: Python<'_>, address: &Bound<'_, PyAny>, wei: &Bound<'_, PyAny>) -> PyResult<()> {
        let address = convert::address(address)?;
        let wei = convert::u256(wei)?;
        self.enter(py, |chain| chain.state.fund(address, wei))
    }

    /// Set an account's nonce, code and storage, the latter from `[(slot, value), ...]`.
    fn place(
        &self,
        py: Python<'_>,
        address: &Bound<'_, PyAny>,
        nonce: u64,
        code: &Bound<'_, PyAny>,
        storage: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let address = convert::address(address)?;
        let code = Bytes::copy_from_slice(convert::bytes(code)?);
        let storage = convert::words(storage)?;
        self.enter(py, |chain| chain.state.place(address, nonce, code, storage))
    }

    /// `(address, balance, nonce, code, [(slot, value), ...])` of every account that is not empty.
    fn accounts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let rows = PyList::empty(py);
        for (address, info, code, storage) in self.enter(py, |chain| chain.state.accounts())? {
            let words = storage
                .into_iter()
                .map(|(slot, value)| Ok((convert::integer(py, slot)?, convert::integer(py, value)?)));
            let words = PyList::new(py, words.collect::<PyResult<Vec<_>>>()?)?;
            let (address, code) = (PyBytes::new(py, address.as_slice()), PyBytes::new(py, code.original_byte_slice()));
            rows.append((address, convert::integer(py, info.balance)?, info.nonce, code, words))?;
        }
        Ok(rows)
    }

    fn balance<'py>(&self, py: Python<'py>, address: &Bound<'_, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let address = convert::address(address)?;
        convert::integer(py, self.enter(py, |chain| chain.state.account(address).balance)?)
    }

    /// The balances of many.
    fn balances<'py>(&self, py: Python<'py>, addresses: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyList>> {
        let held = self.infos(py, addresses)?.into_iter().map(|account| convert::integer(py, account.balance));
        PyList::new(py, held.collect::<PyResult<Vec<_>>>()?)
    }

    /// The nonces of many.
    fn nonces(&self, py: Python<'_>, addresses: &Bound<'_, PyAny>) -> PyResult<Vec<u64>> {
        Ok(self.infos(py, addresses)?.into_iter().map(|account| account.nonce).collect())
    }

    fn nonce(&self, py: Python<'_>, address: &Bound<'_, PyAny>) -> PyResult<u64> {
        let address = convert::address(address)?;
        self.enter(py, |chain| chain.state.account(address).nonce)
    }

    fn code<'py>(&self, py: Python<'py>, address: &Bound<'_, PyAny>) -> PyResult<Bound<'py, PyBytes>> {
        let address = convert::address(address)?;
        let code = self.enter(py, |chain| chain.state.code(address))?;
        Ok(PyBytes::new(py, code.original_byte_slice()))
    }

    fn storage<'py>(
        &self,
        py: Python<'py>,
        address: &Bound<'_, PyAny>,
        slot: &Bound<'_, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let address = convert::address(address)?;
        let slot = convert::u256(slot)?;
        convert::integer(py, self.enter(py, |chain| chain.state.storage(address, slot))?)
    }

    /// Remember the state; returns what `restore` takes.
    fn snapshot(&self, py: Python<'_>) -> PyResult<u64> {
        self.enter(py, |chain| chain.state.snapshot())
    }

    /// Go back to a snapshot, which stays usable; younger ones are forgotten.
    fn restore(&self, py: Python<'_>, snapshot: u64) -> PyResult<()> {
        if self.enter(py, |chain| chain.state.restore(snapshot))? {
            return Ok(());
        }
        Err(PyKeyError::new_err(format!(
            "there is no snapshot {snapshot}: never taken, or older than one restored since"
        )))
    }

    /// An engine of its own that begins where this one stands.
    fn copy(&self, py: Python<'_>) -> PyResult<Self> {
        let twin = |chain: &mut Chain| Chain { state: chain.state.copy(), registry: Arc::clone(&chain.registry) };
        Ok(Self { chain: Mutex::new(self.enter(py, twin)?), rules: self.rules.clone() })
    }

    /// Search from here for sequences that break something; this engine stays as it is.
    fn search<'py>(&self, py: Python<'py>, plan: &Bound<'_, PyDict>) -> PyResult<Bound<'py, PyDict>> {
        let plan = search::python::plan(plan).map_err(convert::named("plan"))?;
        let state = self.enter(py, |chain| chain.state.copy())?;
        let found = apart(py, || Ok(search::run(state.top, &self.rules, &plan)))?;
        search::python::harvest(py, &found)
    }

    /// How many layers a lookup may pass.
    fn depth(&self, py: Python<'_>) -> PyResult<usize> {
        self.enter(py, |chain| chain.state.depth())
    }
}

impl Engine {
    fn infos(&self, py: Python<'_>, addresses: &Bound<'_, PyAny>) -> PyResult<Vec<AccountInfo>> {
        let addresses = convert::addresses(addresses)?;
        self.enter(py, |chain| addresses.into_iter().map(|address| chain.state.account(address)).collect())
    }

    fn registry(&self, py: Python<'_>) -> PyResult<Arc<Registry>> {
        self.enter(py, |chain| Arc::clone(&chain.registry))
    }

    fn run(
        &self,
        py: Python<'_>,
        context: &Bound<'_, PyAny>,
        batch: Vec<Transaction>,
        registry: Arc<Registry>,
    ) -> PyResult<Block> {
        let around = convert::block(context).map_err(convert::named("context"))?;
        let outcome = self.enter(py, |chain| block::run(&mut chain.state, &self.rules, &around, batch))?;
        Ok(Block { outcome, registry })
    }

    /// Do something with the chain, with Python's lock released. A bug that panics breaks the engine, never Python.
    fn enter<T: Send>(&self, py: Python<'_>, work: impl Send + FnOnce(&mut Chain) -> T) -> PyResult<T> {
        apart(py, || match self.chain.try_lock() {
            Ok(mut chain) => Ok(work(&mut chain)),
            Err(TryLockError::WouldBlock) => Err("another thread is using this engine: make one per thread"),
            Err(TryLockError::Poisoned(_)) => Err("this engine broke in an earlier call: make another"),
        })
    }
}

/// Work with Python's lock released; a panic becomes an error.
fn apart<T: Send>(py: Python<'_>, work: impl Send + FnOnce() -> Result<T, &'static str>) -> PyResult<T> {
    let attempt =
        || catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err("the engine broke; this is a bug in slashpoint-revm"));
    py.detach(attempt).map_err(PyRuntimeError::new_err)
}

/// What a block did; each view of it is made when asked for.
#[pyclass(frozen, module = "slashpoint_revm")]
struct Block {
    outcome: Outcome,
    registry: Arc<Registry>,
}

#[pymethods]
impl Block {
    fn __len__(&self) -> usize {
        self.outcome.receipts.len()
    }

    /// One byte per transaction.
    fn status<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let column: Vec<u8> = self.outcome.receipts.iter().map(|receipt| receipt.status as u8).collect();
        PyBytes::new(py, &column)
    }

    /// Eight bytes per transaction, in the machine's order.
    fn gas<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let column: Vec<u8> = self.outcome.receipts.iter().flat_map(|receipt| receipt.gas.to_ne_bytes()).collect();
        PyBytes::new(py, &column)
    }

    /// The output of each transaction.
    fn outputs<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, self.outcome.receipts.iter().map(|receipt| PyBytes::new(py, &receipt.output)))
    }

    /// Why, by index, for those that neither succeeded nor reverted.
    fn reasons<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let reasons = PyDict::new(py);
        for (tx, receipt) in self.outcome.receipts.iter().enumerate() {
            if let Some(reason) = &receipt.reason {
                reasons.set_item(tx, reason.to_string())?;
            }
        }
        Ok(reasons)
    }

    /// How many events there are.
    fn log_count(&self) -> usize {
        self.log_rows().count()
    }

    /// `(tx, address, topics, data)` of each event.
    fn logs<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let rows = self.log_rows().map(|(tx, log)| log_fields(py, tx, log));
        PyList::new(py, rows.collect::<PyResult<Vec<_>>>()?)
    }

    /// What ERC-20 contracts at `tokens` say was transferred, in columns `(tx, token, sender, receiver, amount)`, where
    /// `token` is a place in `tokens`, without those of nothing and to oneself; and `(place, log)` of all other events.
    fn token_transfers<'py>(&self, py: Python<'py>, tokens: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyTuple>> {
        let tokens = convert::addresses(tokens)?;
        let (mut tx_of, mut token_of, mut amounts) = (Vec::new(), Vec::new(), Vec::new());
        let (mut senders, mut receivers, mut others) = (Vec::new(), Vec::new(), Vec::new());
        for (place, (tx, log)) in self.log_rows().enumerate() {
            let token = tokens.iter().position(|token| *token == log.address);
            if let (Some(token), Some((sender, receiver, amount))) = (token, abi::erc20_transfer(log)) {
                if amount.is_zero() || sender == receiver {
                    continue;
                }
                tx_of.push(tx);
                token_of.push(token);
                senders.push(PyBytes::new(py, sender));
                receivers.push(PyBytes::new(py, receiver));
                amounts.push(convert::integer(py, amount)?);
            } else {
                others.push((place, log_fields(py, tx, log)?));
            }
        }
        (tx_of, token_of, senders, receivers, amounts, others).into_pyobject(py)
    }

    /// How many movements of wei there are.
    fn transfer_count(&self) -> usize {
        self.outcome.transfers.len()
    }

    /// `(tx, kind, sender, receiver, wei)` of each movement of wei.
    fn transfers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let rows = PyList::empty(py);
        for row in &self.outcome.transfers {
            let (sender, receiver) =
                (PyBytes::new(py, row.sender.as_slice()), PyBytes::new(py, row.receiver.as_slice()));
            rows.append((row.tx, row.kind as u8, sender, receiver, convert::integer(py, row.wei)?))?;
        }
        Ok(rows)
    }

    /// The same in columns `(tx, kind, sender, receiver, wei)`: u32, u8, 20 bytes, 20 bytes, 32 bytes big-endian.
    fn transfer_columns<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let rows = &self.outcome.transfers;
        let column = |bytes: Vec<u8>| PyBytes::new(py, &bytes);
        let columns = [
            column(rows.iter().flat_map(|row| row.tx.to_ne_bytes()).collect()),
            column(rows.iter().map(|row| row.kind as u8).collect()),
            column(rows.iter().flat_map(|row| row.sender.into_array()).collect()),
            column(rows.iter().flat_map(|row| row.receiver.into_array()).collect()),
            column(rows.iter().flat_map(|row| row.wei.to_be_bytes::<32>()).collect()),
        ];
        PyTuple::new(py, columns)
    }

    /// `(tx, address, event, values)` of each log of a registered contract that its ABI knows.
    fn events<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let rows = PyList::empty(py);
        for (tx, log) in self.log_rows() {
            if let Some((event, values)) = self.registry.get(&log.address).and_then(|abi| abi.decode(log)) {
                let name = PyString::intern(py, &event.name);
                let values = values.iter().map(|value| abi::to_py(py, value)).collect::<PyResult<Vec<_>>>()?;
                rows.append((tx, PyBytes::new(py, log.address.as_slice()), name, PyTuple::new(py, values)?))?;
            }
        }
        Ok(rows)
    }

    /// The same in columns, by contract and event: `{(address, event): (tx, log, values)}`, where `tx` and the log's
    /// index in the block are u32, and a column of values has 20 bytes for an address, 32 for any other word
    /// (big-endian), and is a tuple of Python values otherwise.
    fn event_columns<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let mut groups: BTreeMap<(Address, &str), abi::Group> = BTreeMap::new();
        for (index, (tx, log)) in (0u32..).zip(self.log_rows()) {
            if let Some((event, values)) = self.registry.get(&log.address).and_then(|abi| abi.decode(log)) {
                groups.entry((log.address, &event.name)).or_default().push(py, tx, index, &values)?;
            }
        }
        let columns = PyDict::new(py);
        for ((address, name), group) in groups {
            columns.set_item((PyBytes::new(py, address.as_slice()), name), group.finish(py)?)?;
        }
        Ok(columns)
    }
}

impl Block {
    fn log_rows(&self) -> impl Iterator<Item = (u32, &Log)> {
        (0u32..).zip(&self.outcome.receipts).flat_map(|(tx, receipt)| receipt.logs.iter().map(move |log| (tx, log)))
    }
}

fn log_fields<'py>(py: Python<'py>, tx: u32, log: &Log) -> PyResult<Bound<'py, PyTuple>> {
    let topics = PyTuple::new(py, log.data.topics().iter().map(|topic| PyBytes::new(py, topic.as_slice())))?;
    (tx, PyBytes::new(py, log.address.as_slice()), topics, PyBytes::new(py, &log.data.data)).into_pyobject(py)
}

/// Whole blocks of Ethereum transactions over revm.
#[pymodule]
mod slashpoint_revm {
    #[pymodule_export]
    use super::{Block, Engine};
    #[pymodule_export]
    use crate::abi::Abi;
}
