//! The version of a database's schema.

/// The version of a database's schema, and the one that this version of the crate works with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SchemaVersion {
    /// What the database has; 0: nothing yet.
    pub found: usize,
    /// What opening the database brings it to.
    pub known: usize,
}

impl SchemaVersion {
    /// Whether opening the database changes nothing.
    pub fn is_current(self) -> bool {
        self.found == self.known
    }
}
