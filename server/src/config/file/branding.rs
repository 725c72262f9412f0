//! `[branding]`.

use std::path::PathBuf;

use doorward_provider::model::branding::{DarkAccent, LightAccent, LogoName, ShownName};
use serde::Deserialize;

/// `[branding]`: how the pages and messages look.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct BrandingSection {
    pub name: Option<ShownName>,
    pub logos: Option<PathBuf>,
    pub logo: Option<LogoName>,
    pub accent: Option<LightAccent>,
    pub accent_dark: Option<DarkAccent>,
    pub imprint: Option<String>,
    pub privacy: Option<String>,
    pub help: Option<String>,
    pub texts: Option<PathBuf>,
}
