//! `GET /assets/NAME`, the style sheet of the pages, and `GET /favicon.ico`. The name of the style
//! sheet changes with its content, so that browsers may keep it for ever.

use std::sync::Arc;

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

const STYLE: &str = include_str!("../../../../style/main.css");
const ICON: &str = include_str!("../../../../style/assets/favicon.svg");

/// The names of the assets.
#[derive(Debug)]
pub(crate) struct Assets {
    style_name: String,
}

impl Assets {
    pub(crate) fn new() -> Self {
        let hash = base64url::encode(&Sha256::digest(STYLE)[..9]);
        Self { style_name: format!("doorward-{hash}.css") }
    }

    /// The path of the style sheet.
    pub(crate) fn style_path(&self) -> String {
        format!("/assets/{}", self.style_name)
    }
}

pub(crate) async fn get(State(assets): State<Arc<Assets>>, Path(name): Path<String>) -> Response {
    if name != assets.style_name {
        return StatusCode::NOT_FOUND.into_response();
    }
    let headers = [
        (CONTENT_TYPE, "text/css; charset=utf-8"),
        (CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, STYLE).into_response()
}

pub(crate) async fn favicon() -> Response {
    let headers = [
        (CONTENT_TYPE, "image/svg+xml"),
        (CACHE_CONTROL, "public, max-age=86400"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, ICON).into_response()
}
