//! The DPoP key (RFC 9449): ES256 by Web Cryptography, stored in IndexedDB.
//!
//! The private key is not extractable: scripts can use it, but not read it. IndexedDB is the only
//! store of the browser that accepts such keys. There is one pair for each provider and client of
//! the origin, shared by all tabs.

use std::{cell::RefCell, rc::Rc};

use async_trait::async_trait;
use doorward_protocol::jwk::Jwk;
use futures::channel::oneshot;
use js_sys::{Array, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue, prelude::Closure};
use web_sys::{
    CryptoKey, Event, IdbDatabase, IdbFactory, IdbObjectStore, IdbOpenDbRequest, IdbRequest,
    IdbTransactionMode,
};

use super::crypto::{object, settled, subtle};
use crate::{
    Settings,
    ports::{ProofKeyError, ProofSigner},
};

const DATABASE: &str = "oidc.dpop";
const STORE: &str = "keys";

/// The key pair of one client.
pub struct ProofKey {
    /// The pair's name in the store.
    name: String,
    /// The pair, once it was read or created.
    pair: RefCell<Option<JsValue>>,
}

impl ProofKey {
    /// The key pair of the client with these settings.
    pub fn of(settings: &Settings) -> Self {
        Self {
            name: [&settings.authority, " ", &settings.client_id].concat(),
            pair: RefCell::default(),
        }
    }

    /// Returns the stored pair, or a new one. If two tabs create a pair at the same time, the first
    /// one wins.
    async fn pair(&self) -> Result<JsValue, ProofKeyError> {
        if let Some(pair) = self.pair.borrow().clone() {
            return Ok(pair);
        }
        let database = open().await?;
        let stored = if let Some(pair) = read(&database, &self.name).await? {
            Ok(pair)
        } else {
            let made = generate().await?;
            let added = add(&database, &self.name, &made).await;
            // Read the pair back even after adding it: if that was refused, another tab's pair is
            // there.
            let stored = read(&database, &self.name).await?;
            stored.ok_or_else(|| added.err().unwrap_or_else(|| failed("it was not stored")))
        };
        database.close();
        let stored = stored?;
        *self.pair.borrow_mut() = Some(stored.clone());
        Ok(stored)
    }

    async fn half(&self, name: &str) -> Result<CryptoKey, ProofKeyError> {
        let half = Reflect::get(&self.pair().await?, &JsValue::from_str(name))
            .map_err(|error| reason(&error))?;
        half.dyn_into().map_err(|_| failed("what is stored is not a key"))
    }
}

#[async_trait(?Send)]
impl ProofSigner for ProofKey {
    async fn public_key(&self) -> Result<Jwk, ProofKeyError> {
        let key = self.half("publicKey").await?;
        let subtle = subtle().ok_or(ProofKeyError::Unavailable)?;
        let promise = subtle.export_key("jwk", &key).map_err(|error| reason(&error))?;
        let jwk = settled(promise).await.map_err(|error| reason(&error))?;
        let member = |name: &str| Reflect::get(&jwk, &JsValue::from_str(name)).ok()?.as_string();
        match (member("x"), member("y")) {
            (Some(x), Some(y)) => Ok(Jwk::ec("P-256", x, y)),
            _ => Err(failed("what is stored is not an elliptic curve key")),
        }
    }

    async fn sign(&self, input: &[u8]) -> Result<Vec<u8>, ProofKeyError> {
        let key = self.half("privateKey").await?;
        let subtle = subtle().ok_or(ProofKeyError::Unavailable)?;
        let params = object(&[("name", Some("ECDSA")), ("hash", Some("SHA-256"))]);
        let promise = subtle
            .sign_with_object_and_u8_array(&params, &key, input)
            .map_err(|error| reason(&error))?;
        let signature = settled(promise).await.map_err(|error| reason(&error))?;
        Ok(Uint8Array::new(&signature).to_vec())
    }
}

/// Creates a pair with a private key that cannot be read.
async fn generate() -> Result<JsValue, ProofKeyError> {
    let subtle = subtle().ok_or(ProofKeyError::Unavailable)?;
    let params = object(&[("name", Some("ECDSA")), ("namedCurve", Some("P-256"))]);
    let usages = Array::of1(&JsValue::from_str("sign"));
    let promise =
        subtle.generate_key_with_object(&params, false, &usages).map_err(|error| reason(&error))?;
    settled(promise).await.map_err(|error| reason(&error))
}

async fn open() -> Result<IdbDatabase, ProofKeyError> {
    let window = web_sys::window().ok_or(ProofKeyError::Unavailable)?;
    let factory: IdbFactory = window
        .indexed_db()
        .map_err(|error| reason(&error))?
        .ok_or_else(|| failed("there is no IndexedDB"))?;
    let request: IdbOpenDbRequest =
        factory.open_with_u32(DATABASE, 1).map_err(|error| reason(&error))?;
    let created = request.clone();
    let upgrade = Closure::once_into_js(move |_: Event| {
        // Without the store, every later transaction fails and reports it.
        if let Some(Ok(database)) = created.result().ok().map(JsCast::dyn_into::<IdbDatabase>) {
            let _ = database.create_object_store(STORE);
        }
    });
    request.set_onupgradeneeded(Some(upgrade.unchecked_ref()));
    done(&request).await?.dyn_into().map_err(|_| failed("IndexedDB gave no database"))
}

async fn read(database: &IdbDatabase, name: &str) -> Result<Option<JsValue>, ProofKeyError> {
    let store = store(database, IdbTransactionMode::Readonly)?;
    let request = store.get(&JsValue::from_str(name)).map_err(|error| reason(&error))?;
    Ok(Some(done(&request).await?).filter(JsValue::is_object))
}

/// Adds a pair. It is refused if the name exists.
async fn add(database: &IdbDatabase, name: &str, pair: &JsValue) -> Result<(), ProofKeyError> {
    let store = store(database, IdbTransactionMode::Readwrite)?;
    let request =
        store.add_with_key(pair, &JsValue::from_str(name)).map_err(|error| reason(&error))?;
    done(&request).await.map(|_| ())
}

fn store(
    database: &IdbDatabase,
    mode: IdbTransactionMode,
) -> Result<IdbObjectStore, ProofKeyError> {
    let transaction =
        database.transaction_with_str_and_mode(STORE, mode).map_err(|error| reason(&error))?;
    transaction.object_store(STORE).map_err(|error| reason(&error))
}

/// Waits for a request.
async fn done(request: &IdbRequest) -> Result<JsValue, ProofKeyError> {
    let (sender, receiver) = oneshot::channel();
    let sender = Rc::new(RefCell::new(Some(sender)));
    let tell = |success: bool| {
        let sender = Rc::clone(&sender);
        Closure::<dyn FnMut(Event)>::new(move |_| {
            if let Some(sender) = sender.borrow_mut().take() {
                let _ = sender.send(success);
            }
        })
    };
    let (success, failure) = (tell(true), tell(false));
    request.set_onsuccess(Some(success.as_ref().unchecked_ref()));
    request.set_onerror(Some(failure.as_ref().unchecked_ref()));
    let succeeded = receiver.await.unwrap_or(false);
    request.set_onsuccess(None);
    request.set_onerror(None);
    if succeeded {
        request.result().map_err(|error| reason(&error))
    } else {
        let error = Reflect::get(request, &JsValue::from_str("error")).unwrap_or_default();
        Err(reason(&error))
    }
}

fn failed(why: &str) -> ProofKeyError {
    ProofKeyError::Failed(why.to_owned())
}

/// The name of the browser's exception.
fn reason(error: &JsValue) -> ProofKeyError {
    let name =
        Reflect::get(error, &JsValue::from_str("name")).ok().and_then(|name| name.as_string());
    ProofKeyError::Failed(name.unwrap_or_else(|| "unknown".to_owned()))
}
