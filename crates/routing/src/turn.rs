//! Whose turn it is: of several processes over one log each reads along, and one appends.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use zholdary_domain::Position;
use zholdary_log::{EventLog, ReadError};

/// Whether the workers of this process may append. Cheap to clone; clones are one.
///
/// It saves work, and is no lock: who still appends when its turn has ended is refused by the log's expectations, or repeats what the
/// next one decides under the same command ids.
#[derive(Debug, Clone)]
pub struct Turn(Arc<Mutex<Held>>);

/// Each worker hears of it by a channel of its own: those that wait on one are woken in no order, and a simulation of one seed must be one
/// history.
#[derive(Debug)]
struct Held {
    state: State,
    gates: Vec<watch::Sender<State>>,
}

/// No turn is like one before it: what was known in that one is old.
#[derive(Debug, Clone, Copy)]
struct State {
    ours: bool,
    turns: u64,
}

impl Turn {
    /// Another's, until it begins.
    #[must_use]
    pub fn waiting() -> Self {
        Self::of(State { ours: false, turns: 0 })
    }

    /// Ours from the start: nobody else is there.
    #[must_use]
    pub fn ours() -> Self {
        Self::of(State { ours: true, turns: 1 })
    }

    fn of(state: State) -> Self {
        Self(Arc::new(Mutex::new(Held { state, gates: Vec::new() })))
    }

    /// It is ours now.
    pub fn begin(&self) {
        self.change(|state| State { ours: true, turns: state.turns + 1 });
    }

    /// It is another's.
    pub fn end(&self) {
        self.change(|state| State { ours: false, ..state });
    }

    /// Whether it is ours.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        self.held().state.ours
    }

    /// For one worker.
    #[must_use]
    pub fn gate(&self) -> Gate {
        let mut held = self.held();
        let (gate, turn) = watch::channel(held.state);
        held.gates.push(gate);
        Gate { turn, opened: None }
    }

    fn change(&self, to: impl FnOnce(State) -> State) {
        let mut held = self.held();
        let state = to(held.state);
        held.state = state;
        held.gates.retain(|gate| gate.send(state).is_ok());
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets a worker append in its turn, once it knows everything that was recorded before the turn began.
#[derive(Debug)]
pub struct Gate {
    turn: watch::Receiver<State>,
    /// The turn that it was opened for, and where the log ended then.
    opened: Option<(u64, Position)>,
}

impl Gate {
    /// Whether it is ours.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        self.turn.borrow().ours
    }

    /// Waits until the turn begins or ends.
    pub async fn changed(&mut self) {
        if self.turn.changed().await.is_err() {
            // Whoever gives turns is gone: this one stays as it is.
            std::future::pending().await
        }
    }

    /// Whether a worker that has read up to `read` may append.
    pub async fn is_open(&mut self, log: &dyn EventLog, read: Position) -> Result<bool, ReadError> {
        let State { ours, turns } = *self.turn.borrow();
        if !ours {
            return Ok(false);
        }
        let before = match self.opened {
            Some((turn, before)) if turn == turns => before,
            _ => log.head().await?,
        };
        self.opened = Some((turns, before));
        Ok(read >= before)
    }
}
