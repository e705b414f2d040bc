/**
 * The type of a database connection, apart from what opens and uses it.
 */
import type Database from 'better-sqlite3';

export type Connection = Database.Database;
