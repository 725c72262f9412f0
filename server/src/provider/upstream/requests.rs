//! How other providers are asked. Their settings are the operator's, who may reach every address
//! that this machine can; or they are in the store, and then the addresses inside the network are
//! closed unless the operator opens them.

use std::{sync::Arc, time::Duration};

use doorward_relying_party::ServerOptions;
use reqwest::{Certificate, Client, Response, redirect};
use url::Url;

use crate::provider::to_clients::{client_builder, public_address};

/// Time limit of a request.
const TIME_LIMIT: Duration = Duration::from_secs(10);
/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Makes HTTP clients for other providers. Each client of a provider has its own, since a
/// connection belongs to the thread that made it.
#[derive(Debug, Clone)]
pub struct Requests {
    /// Certification authorities (DER) that are trusted beside the machine's.
    trusted: Vec<Vec<u8>>,
    /// `None`: every address may be asked. `Some`: those outside the network, and those inside it
    /// if this is true.
    closed: Option<bool>,
}

impl Requests {
    /// For providers of the configuration.
    pub fn of_operator(trusted: &[Vec<u8>]) -> Self {
        Self { trusted: trusted.to_vec(), closed: None }
    }

    /// For providers of the store.
    pub fn of_store(trusted: &[Vec<u8>], allow_private: bool) -> Self {
        Self { trusted: trusted.to_vec(), closed: Some(allow_private) }
    }

    /// What a client is started with.
    pub fn options(&self) -> Result<ServerOptions, reqwest::Error> {
        let options = ServerOptions::default().trusted_authorities(self.trusted.clone());
        let Some(allow_private) = self.closed else { return Ok(options) };
        let builder = client_builder(&self.trusted)?.connect_timeout(CONNECT_TIMEOUT);
        let client = public_address::closed(builder, allow_private).build()?;
        Ok(options.requests(
            client,
            Arc::new(move |url: &Url| {
                public_address::admit(url, allow_private).map_err(str::to_owned)
            }),
        ))
    }

    /// A client for requests beside those of the protocol.
    pub fn client(&self) -> Result<Client, reqwest::Error> {
        let builder = if let Some(allow_private) = self.closed {
            public_address::closed(client_builder(&self.trusted)?, allow_private)
        } else {
            let trusted: Result<Vec<_>, _> =
                self.trusted.iter().map(|der| Certificate::from_der(der)).collect();
            Client::builder().redirect(redirect::Policy::none()).tls_certs_merge(trusted?)
        };
        builder.timeout(TIME_LIMIT).build()
    }

    /// Refuses a URL that may not be asked.
    pub fn check(&self, url: &str) -> Result<(), String> {
        let Some(allow_private) = self.closed else { return Ok(()) };
        let url = Url::parse(url).map_err(|error| error.to_string())?;
        public_address::admit(&url, allow_private).map_err(str::to_owned)
    }

    /// What a URL that may be asked answers.
    pub async fn get(&self, client: &Client, url: &str) -> Result<Response, String> {
        self.check(url)?;
        client.get(url).send().await.map_err(|_| "it can't be reached from here".to_owned())
    }
}
