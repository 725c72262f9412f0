//! The provider's documents, kept in the tab's storage for a short time. The page to which the
//! provider sends the browser back needs what the page before has just fetched.

use std::{cell::Cell, rc::Rc};

use crate::{
    Settings,
    lean::json::Members,
    ports::{Clock, Ports, Storage},
    settings::StoreKind,
};

/// How long a document is kept, in seconds by this device's clock. An older one is not used.
const KEPT_FOR: u64 = 300;
/// Larger documents are not kept.
const LONGEST: usize = 64 * 1024;

/// A document of the provider.
#[derive(Clone, Copy)]
pub(crate) enum Document {
    /// The metadata (OIDC Discovery section 4).
    Metadata,
    /// The keys (RFC 7517 section 5).
    Keys,
}

/// Keeps the documents of one provider: each as the time of its receipt and its text.
pub(crate) struct KeptDocuments {
    store: Rc<dyn Storage>,
    clock: Rc<dyn Clock>,
    /// Absent if the user is not in the tab's own storage: the page then wants to leave nothing in
    /// it, or has none.
    key: Option<String>,
    /// Whether documents are kept at all: not for a caller who keeps everything themselves.
    enabled: Cell<bool>,
}

impl KeptDocuments {
    pub(crate) fn of(settings: &Settings, ports: &Ports) -> Self {
        let source = settings.metadata_url.as_ref().unwrap_or(&settings.authority);
        let is_kept = settings.user_store == StoreKind::Session;
        Self {
            store: Rc::clone(&ports.user_store),
            clock: Rc::clone(&ports.clock),
            key: is_kept.then(|| [&settings.authority, " ", source].concat()),
            enabled: Cell::default(),
        }
    }

    /// Begins to keep documents.
    pub(crate) fn enable(&self) {
        self.enabled.set(true);
    }

    /// A document that is not too old.
    pub(crate) fn get(&self, document: Document) -> Option<Members> {
        let text = self.store.get(&self.key_of(document)?).ok().flatten()?;
        let (at, text) = text.split_once(' ')?;
        let (at, now) = (at.parse::<u64>().ok()?, self.clock.now());
        // A time in the future is of a clock that was set back.
        if at <= now && now - at < KEPT_FOR { Members::read(text) } else { None }
    }

    /// Keeps the text of a document that was just received and is valid. A failure of the storage
    /// does not matter.
    pub(crate) fn put(&self, document: Document, text: &str) {
        if let Some(key) = self.key_of(document).filter(|_| text.len() <= LONGEST) {
            let _ = self.store.set(&key, &[&self.clock.now().to_string(), " ", text].concat());
        }
    }

    /// Forgets both documents, because something failed with them.
    pub(crate) fn forget(&self) {
        for key in [Document::Metadata, Document::Keys].into_iter().filter_map(|of| self.key_of(of))
        {
            let _ = self.store.remove(&key);
        }
    }

    fn key_of(&self, document: Document) -> Option<String> {
        let name = match document {
            Document::Metadata => "oidc-metadata:",
            Document::Keys => "oidc-keys:",
        };
        let key = self.key.as_ref().filter(|_| self.enabled.get())?;
        Some([name, key].concat())
    }
}
