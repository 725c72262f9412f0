//! The tools: each user has notes, and administrators see how many there are.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use axum::http::request::Parts;
use doorward_policy::{Decision, Policy, Principal};
use doorward_resource_server::AccessToken;
use rmcp::{
    ErrorData, ServerHandler,
    handler::server::{tool::Extension, wrapper::Parameters},
    model::{ServerCapabilities, ServerConfig},
    schemars, tool, tool_handler, tool_router,
};
use serde::Deserialize;

/// Who may count the notes of everybody.
static MAY_COUNT: LazyLock<Policy> =
    LazyLock::new(|| Policy::require_role("admin").named("MayCount"));

/// The notes of each user, by their `sub`.
#[derive(Debug, Default)]
pub struct Notes(Mutex<HashMap<String, Vec<String>>>);

/// The tools of one connection.
#[derive(Debug, Clone)]
pub struct Tools {
    notes: Arc<Notes>,
}

/// What `add_note` takes.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
pub struct NewNote {
    /// The text of the note.
    text: String,
}

#[tool_router]
impl Tools {
    /// Tools on these notes.
    pub fn new(notes: Arc<Notes>) -> Self {
        Self { notes }
    }

    #[tool(description = "Keep a note for the user who is signed in, and list all of theirs")]
    fn add_note(
        &self,
        Extension(parts): Extension<Parts>,
        Parameters(NewNote { text }): Parameters<NewNote>,
    ) -> Result<String, ErrorData> {
        let sub = caller(&parts)?.sub().to_owned();
        let mut all = self.notes.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = all.entry(sub.clone()).or_default();
        own.push(text);
        Ok(format!("The notes of {sub}: {}", own.join("; ")))
    }

    #[tool(description = "Count the notes of everybody; for administrators")]
    fn count_notes(&self, Extension(parts): Extension<Parts>) -> Result<String, ErrorData> {
        if let Decision::Denied(denial) = MAY_COUNT.decide(caller(&parts)?) {
            let problem = format!("You may not count notes: it {}.", denial.reasons().join(", "));
            return Err(ErrorData::invalid_request(problem, None));
        }
        let all = self.notes.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(all.values().map(Vec::len).sum::<usize>().to_string())
    }
}

#[tool_handler]
impl ServerHandler for Tools {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_instructions("Notes of the user who is signed in.")
    }
}

/// Who calls: the layer in front of the tools has verified the token.
fn caller(parts: &Parts) -> Result<&Principal, ErrorData> {
    let token = parts.extensions.get::<Arc<AccessToken>>();
    let missing = || ErrorData::internal_error("the call came in without its token", None);
    token.map(|token| token.principal()).ok_or_else(missing)
}
