/**
 * What happened, line by line: the log of a run, or of the workbench where no run is named.
 */
import type { Connection } from './connection.ts';
import { inTransaction } from './transactions.ts';

export type EventLevel = 'info' | 'warning' | 'error';

export interface NewEvent {
  runId: number | null;
  timeMs: number;
  level: EventLevel;
  /** One sentence. */
  message: string;
  /** Numbers and names behind the sentence. */
  details: unknown;
}

export interface Event extends NewEvent {
  eventId: number;
}

export interface EventReads {
  /** Events after an id (0 for all), oldest first, at most `limit`. */
  page(runId: number | null, afterEventId: number, limit: number): Event[];
}

export interface EventWrites {
  add(event: NewEvent): void;
}

export function eventQueries(db: Connection): EventReads & EventWrites {
  const page = db.prepare<[number | null, number, number], Omit<Event, 'details'> & { details: string }>(
    'SELECT * FROM events WHERE runId IS ? AND eventId > ? ORDER BY eventId LIMIT ?',
  );
  const insert = db.prepare<[Omit<NewEvent, 'details'> & { details: string }]>(
    'INSERT INTO events (runId, timeMs, level, message, details) VALUES (:runId, :timeMs, :level, :message, :details)',
  );
  return {
    page: (runId, afterEventId, limit) =>
      page.all(runId, afterEventId, limit).map((row) => ({ ...row, details: JSON.parse(row.details) as unknown })),
    add: (event) => inTransaction(db, () => void insert.run({ ...event, details: JSON.stringify(event.details) })),
  };
}
