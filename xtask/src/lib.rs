//! The project's tasks. `cargo xtask demo` shows the page on a fresh machine, `cargo xtask test` runs every check,
//! `cargo xtask doctor` says what is missing. Nothing here is part of the product.

pub mod axe;
pub mod browser;
pub mod catalogue;
pub mod command;
pub mod demo;
pub mod doctor;
pub mod offline;
pub mod page;
pub mod sizes;
pub mod stages;
pub mod static_server;
pub mod test;
pub mod tools;
