//! The export, which is read several times: to its end before anything is written, and then once
//! for each kind of what it has many of.

use std::thread::{self, JoinHandle};

use tokio::sync::mpsc::{Receiver, channel};

use crate::{
    command::CommandError,
    import::{Configuration, Found, Manner, Source, read_source},
};

/// Users who are read before they are written.
const AHEAD: usize = 1000;

/// An export and how it is read.
#[derive(Debug, Clone)]
pub(super) struct Reading {
    pub(super) manner: Manner,
    pub(super) source: Source,
    /// The place as it may be shown.
    pub(super) shown: String,
}

/// How many there are.
#[derive(Debug, Default)]
pub(super) struct Counted {
    pub(super) users: usize,
    pub(super) consents: usize,
}

impl Reading {
    /// Reads the export to its end.
    pub(super) fn count(&self) -> Result<(Counted, Configuration), CommandError> {
        let count = || {
            let mut counted = Counted::default();
            let configuration = self.read(|found| match found {
                Found::User(_) => counted.users += 1,
                Found::Consent(_) => counted.consents += 1,
            })?;
            Ok((counted, configuration))
        };
        // A database is asked in a runtime of its own, for which this thread has no place.
        thread::scope(|scope| scope.spawn(count).join()).unwrap_or_else(|_| Err(broken()))
    }

    /// Reads the export in a thread of its own, not far ahead of who takes what it finds.
    pub(super) fn stream(&self) -> (Receiver<Found>, JoinHandle<Result<(), CommandError>>) {
        let reading = self.clone();
        passed_on(move |each| reading.read(each).map(drop))
    }

    fn read(&self, each: impl FnMut(Found)) -> Result<Configuration, CommandError> {
        read_source(&self.manner, &self.source, each)
            .map_err(|error| CommandError::refused(format!("{}: {error}", self.shown)))
    }
}

/// Reads in a thread of its own. Whoever waits for what is found leaves this thread to others: the
/// connections of the store live in it, too.
fn passed_on(
    read: impl FnOnce(&mut dyn FnMut(Found)) -> Result<(), CommandError> + Send + 'static,
) -> (Receiver<Found>, JoinHandle<Result<(), CommandError>>) {
    let (send, receive) = channel(AHEAD);
    // If nobody takes it any more, the command ends, and this thread with it.
    let read = move || read(&mut |found| drop(send.blocking_send(found)));
    (receive, thread::spawn(read))
}

/// Whether a thread that read the export came to its end.
pub(super) fn ended(reading: JoinHandle<Result<(), CommandError>>) -> Result<(), CommandError> {
    reading.join().unwrap_or_else(|_| Err(broken()))
}

fn broken() -> CommandError {
    CommandError::refused("the export can't be read")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::{sync::mpsc::channel, time::Duration};

    use super::*;

    /// The store would lose its connections while an export is read from a slow disk.
    #[tokio::test]
    async fn others_work_while_one_waits_for_the_export() {
        let (worked, has_worked) = channel();
        let (mut found, reading) = passed_on(move |each| {
            // Whoever waits for this long waits for ever.
            let patience = Duration::from_mins(1);
            has_worked.recv_timeout(patience).map_err(|_| broken())?;
            each(Found::User(Err("somebody".to_owned())));
            Ok(())
        });
        let other = tokio::spawn(async move { worked.send(()).unwrap() });
        assert!(found.recv().await.is_some());
        assert!(found.recv().await.is_none());
        other.await.unwrap();
        ended(reading).unwrap();
    }
}
