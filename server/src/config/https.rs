//! Default URLs when the listeners use TLS.

use figment::{
    Error, Metadata, Profile, Provider,
    util::nest,
    value::{Dict, Map, Value},
};

/// The defaults that differ from those of plain HTTP.
const DEFAULTS: [(&str, &str); 2] =
    [("provider.issuer", "https://localhost:6001"), ("app.url", "https://localhost:5001")];

/// The defaults. Whatever is set overrides them.
pub fn defaults() -> Https {
    Https
}

/// See [`defaults`].
#[derive(Debug, Clone, Copy)]
pub struct Https;

impl Provider for Https {
    fn metadata(&self) -> Metadata {
        Metadata::named("defaults of TLS")
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        let nested =
            DEFAULTS.iter().filter_map(|(key, value)| nest(key, Value::from(*value)).into_dict());
        Ok(Profile::Default.collect(nested.flatten().collect()))
    }
}
