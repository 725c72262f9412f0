//! `GET /assets/NAME`: the style sheets of the pages, their one script, and logos; and
//! `GET /favicon.ico`. The names change with the content, so that browsers may keep it for ever.

use std::borrow::Cow;

use axum::{
    extract::{Path, State},
    http::{
        StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS},
    },
    response::{IntoResponse, Response},
};
use doorward_protocol::base64url;
use sha2::{Digest as _, Sha256};

use crate::{AppState, branding::look};

pub(crate) const STYLE: &str = include_str!("../../../../style/main.css");
const PASSKEYS: &str = include_str!("passkeys.js");
pub(crate) const ICON: &str = include_str!("../../../../style/assets/favicon.svg");

/// The names of the assets.
#[derive(Debug)]
pub(crate) struct Assets {
    style_name: String,
    passkeys_name: String,
}

impl Assets {
    pub(crate) fn new() -> Self {
        let hash = |content: &str| base64url::encode(&Sha256::digest(content)[..9]);
        Self {
            style_name: format!("doorward-{}.css", hash(STYLE)),
            passkeys_name: format!("passkeys-{}.js", hash(PASSKEYS)),
        }
    }

    /// The path of the style sheet.
    pub(crate) fn style_path(&self) -> String {
        format!("/assets/{}", self.style_name)
    }

    /// The path of the script that speaks with the browser's passkeys.
    pub(crate) fn passkeys_path(&self) -> String {
        format!("/assets/{}", self.passkeys_name)
    }
}

pub(crate) async fn get(State(state): State<AppState>, Path(name): Path<String>) -> Response {
    let assets = &state.assets;
    let (media_type, content) = if name == assets.style_name {
        ("text/css; charset=utf-8", Cow::Borrowed(STYLE))
    } else if name == assets.passkeys_name {
        ("text/javascript; charset=utf-8", Cow::Borrowed(PASSKEYS))
    } else if let Some(accents) = look::style_sheet(&name) {
        ("text/css; charset=utf-8", Cow::Owned(accents))
    } else if let Some(logo) = state.settings.branding.current().logo_of(&name) {
        return logo.response();
    } else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [
        (CONTENT_TYPE, media_type),
        (CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, content).into_response()
}

pub(crate) async fn favicon() -> Response {
    let headers = [
        (CONTENT_TYPE, "image/svg+xml"),
        (CACHE_CONTROL, "public, max-age=86400"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, ICON).into_response()
}
