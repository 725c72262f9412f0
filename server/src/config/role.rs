//! The parts of Doorward. They run in one process or in several.

use clap::ValueEnum;

/// A part that can run in a process of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// The OpenID provider.
    Provider,
    /// The protected API.
    Api,
    /// The single-page application.
    App,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Provider, Self::Api, Self::App];

    /// Its name in metrics.
    pub fn label(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Api => "api",
            Self::App => "app",
        }
    }
}
