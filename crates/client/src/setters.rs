//! Chainable setters for settings and arguments, so that these can get new fields without breaking
//! their users.

/// In an `impl` block, defines a method for each field: `text` and `value` set it, `some_text` and
/// `some` set it to `Some`.
macro_rules! setters {
    () => {};
    (text $name:ident; $($rest:tt)*) => {
        setters!(@ $name, impl Into<String>, $name.into());
        setters!($($rest)*);
    };
    (some_text $name:ident; $($rest:tt)*) => {
        setters!(@ $name, impl Into<String>, Some($name.into()));
        setters!($($rest)*);
    };
    (value $name:ident: $type:ty; $($rest:tt)*) => {
        setters!(@ $name, $type, $name);
        setters!($($rest)*);
    };
    (some $name:ident: $type:ty; $($rest:tt)*) => {
        setters!(@ $name, $type, Some($name));
        setters!($($rest)*);
    };
    (@ $name:ident, $type:ty, $value:expr) => {
        #[doc = concat!("Sets the field `", stringify!($name), "`.")]
        #[must_use]
        pub fn $name(mut self, $name: $type) -> Self {
            self.$name = $value;
            self
        }
    };
}
