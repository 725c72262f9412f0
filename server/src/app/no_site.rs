// What is embedded where no site was built. Included by main.rs.
doorward::EmbeddedSite::EMPTY
