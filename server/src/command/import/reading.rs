//! The export, which is read several times: to its end before anything is written, and then once
//! for each kind of what it has many of.

use std::{
    sync::mpsc::{Receiver, sync_channel},
    thread::{self, JoinHandle},
};

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
        let (send, receive) = sync_channel(AHEAD);
        let reading = self.clone();
        let read = move || {
            // Whoever took it has gone if it can't be sent.
            reading.read(|found| drop(send.send(found))).map(drop)
        };
        (receive, thread::spawn(read))
    }

    fn read(&self, each: impl FnMut(Found)) -> Result<Configuration, CommandError> {
        read_source(&self.manner, &self.source, each)
            .map_err(|error| CommandError::refused(format!("{}: {error}", self.shown)))
    }
}

/// Whether a thread that read the export came to its end.
pub(super) fn ended(reading: JoinHandle<Result<(), CommandError>>) -> Result<(), CommandError> {
    reading.join().unwrap_or_else(|_| Err(broken()))
}

fn broken() -> CommandError {
    CommandError::refused("the export can't be read")
}
