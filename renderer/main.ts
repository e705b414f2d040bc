/**
 * Start of the window: a client on the transport this shell offers, then the app.
 */
import './kit/fonts.css';
import './kit/tokens.css';
import './kit/reset.css';
import { mount } from 'svelte';
import { createClient } from '#core/contract/client.ts';
import App from './App.svelte';
import { connect } from './app/connect.ts';

const { transport, connection } = connect();
mount(App, { target: document.getElementById('app')!, props: { client: createClient(transport), connection } });
