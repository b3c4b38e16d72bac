//! States that were seen: how each was reached, standing in one again, keeping another one.

use super::{BACK, Call, Campaign, Executed, Node, STATES, Seed, Step, Trial, trials};

impl Campaign<'_> {
    pub(super) fn depth(&self) -> usize {
        self.nodes.get(self.here).map_or(0, |node| node.depth) + self.tail.len()
    }

    /// Stand in a state that was seen.
    pub(super) fn go(&mut self, node: usize) {
        if node != self.here || !self.tail.is_empty() {
            self.go_afresh(node);
        }
    }

    pub(super) fn go_afresh(&mut self, node: usize) {
        let (mut from, mut steps) = (node, Vec::new());
        while let Some(Node { parent, step, top: None, .. }) = self.nodes.get(from) {
            steps.push(step);
            from = *parent;
        }
        let Some(Node { top: Some(top), clock, worth, .. }) = self.nodes.get(from) else { return };
        self.machine.top().clone_from(top);
        self.machine.clock = *clock;
        self.worth.clone_from(worth);
        for step in steps.into_iter().rev() {
            let ran = self.machine.play(step);
            self.machine.keep(ran);
        }
        if let Some(Node { worth, .. }) = self.nodes.get(node) {
            self.worth.clone_from(worth);
        }
        self.here = node;
        self.tail.clear();
    }

    /// The steps from the beginning to here.
    pub(super) fn path(&self) -> Vec<Step> {
        let mut steps = self.chain(self.here);
        steps.extend_from_slice(&self.tail);
        steps
    }

    pub(super) fn chain(&self, mut node: usize) -> Vec<Step> {
        let mut steps = Vec::new();
        while node > 0
            && let Some(Node { parent, step, .. }) = self.nodes.get(node)
        {
            steps.push(step.clone());
            node = *parent;
        }
        steps.reverse();
        steps
    }

    /// Keep the state before a step, the step, and the state after it.
    pub(super) fn save(
        &mut self,
        call: Option<Call>,
        step: &Step,
        (here, steps): (usize, usize),
        changed: bool,
        new: bool,
    ) {
        let trials = call.as_ref().map(|call| self.trials(call, here, steps)).unwrap_or_default();
        let compared = std::mem::take(&mut self.machine.watch().compared);
        let after = changed.then(|| (self.machine.top().clone(), self.machine.clock, self.worth.clone()));
        let tail: Vec<Step> = self.tail.drain(..).take(steps).collect();
        self.go_again(here, &tail);
        let before = self.here;
        if new {
            self.interesting.push((before, step.clone()));
        }
        if let Some(call) = call {
            if !trials.is_empty() {
                self.pending.push(self.seeds.len());
            }
            self.frontier.reached(&mut self.sites, &compared, self.seeds.len());
            self.seeds.push(Seed { node: before, call, picks: 0, trials });
        }
        if let Some((top, clock, worth)) = after {
            self.machine.top().clone_from(&top);
            (self.machine.clock, self.worth) = (clock, worth);
            self.stand(before, step.clone());
        }
    }

    /// What to try of a call that did something new, `steps` after a node; and the words that it compared are known.
    pub(super) fn trials(&mut self, call: &Call, node: usize, steps: usize) -> Vec<Trial> {
        let mut path = self.chain(node);
        path.extend(self.tail.iter().take(steps).cloned());
        let before = path.iter().rev().take(BACK).map_while(|step| Call::read(self.plan, step));
        let calls: Vec<Call> = std::iter::once(call.clone()).chain(before).collect();
        let clock = self.machine.ran;
        let watch = std::mem::take(self.machine.watch());
        let executed = Executed { calls: &calls, clock, compared: &watch.compared, hashed: &watch.hashed };
        let mut trials = trials(self.plan, &mut self.sites, &executed);
        for compared in &watch.compared {
            if self.sites.open(compared.site) {
                self.values.saw(compared.left);
                self.values.saw(compared.right);
            }
        }
        *self.machine.watch() = watch;
        trials.reverse();
        trials
    }

    /// Execute steps from a node again, and keep the state that they lead to.
    pub(super) fn go_again(&mut self, node: usize, steps: &[Step]) {
        if steps.is_empty() {
            self.here = node;
            return;
        }
        self.go_afresh(node);
        for step in steps {
            let ran = self.machine.play(step);
            let stale = self.views.stale(&ran.changes, step.wait > 0);
            self.machine.keep(ran);
            self.weigh(&stale);
            self.stand(self.here, step.clone());
        }
    }

    /// Keep the state here, one step after another one.
    pub(super) fn stand(&mut self, parent: usize, step: Step) {
        let depth = self.nodes.get(parent).map_or(1, |node| node.depth + 1);
        let node = self.node(parent, step, depth);
        self.here = self.nodes.len();
        self.nodes.push(node);
        if let Some(Node { top, .. }) =
            self.here.checked_sub(STATES).filter(|old| *old > 0).and_then(|old| self.nodes.get_mut(old))
        {
            *top = None;
        }
    }

    pub(super) fn node(&mut self, parent: usize, step: Step, depth: usize) -> Node {
        let (top, clock, worth) = (Some(self.machine.top().clone()), self.machine.clock, self.worth.clone());
        Node { parent, step, depth, clock, top, worth, picks: 0 }
    }
}
