import { render } from 'preact';
import { App } from './components/app.tsx';

// a drop that misses must not open the file in place of the page
for (const kind of ['dragover', 'drop']) addEventListener(kind, (event) => event.preventDefault());

render(<App />, document.getElementById('app')!);
