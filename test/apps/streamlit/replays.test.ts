import { host, upgrade } from '../../real/harness/replay.ts';
import { startPython } from '../harness/python-server.ts';
import { replaySuite } from '../harness/replay-suite.ts';

const flags = ['--server.address=127.0.0.1', '--server.headless=true', '--browser.gatherUsageStats=false'];
/** As it is set: bars and all. */
const secret = '2|abcd1234|0123456789abcdef|1690000000';
const form = '--b\r\nContent-Disposition: form-data; name="f"; filename="a.txt"\r\n\r\nhello\r\n--b--\r\n';
const upload = {
  method: 'PUT',
  target: '/base/_stcore/upload_file/session/file',
  body: form,
} as const;
const type = 'Content-Type: multipart/form-data; boundary=b';

replaySuite('streamlit', {
  preset: 'streamlit',
  start: () =>
    startPython({
      part: 'streamlit',
      program: 'streamlit',
      args: ['run', 'streamlit_app.py', '--server.port={port}', '--server.baseUrlPath=/base', ...flags],
      probe: '/base/_stcore/health',
    }),
  replays: [
    { report: 'streamlit/streamlit#6305', about: 'a page below a path', target: '/base/', status: 200 },
    { report: 'streamlit/streamlit#6305', about: 'a path without its slash', target: '/base', status: 307 },
    {
      report: 'streamlit/streamlit#6305',
      about: 'what the page asks first',
      target: '/base/_stcore/host-config',
      status: 200,
    },
    {
      report: 'coder/code-server#7927',
      about: 'an upload whose cookie has bars in it',
      ...upload,
      lines: [type, `Cookie: _streamlit_xsrf=${secret}`, `X-Xsrftoken: ${secret}`],
      status: 400,
    },
    {
      report: 'streamlit/streamlit#5793',
      about: 'an upload whose cookie is lost',
      ...upload,
      lines: [type],
      status: 403,
    },
    {
      report: 'streamlit/streamlit#10049',
      about: 'whether another origin may upload',
      method: 'OPTIONS',
      target: upload.target,
      lines: ['Origin: http://elsewhere.test', 'Access-Control-Request-Method: PUT'],
      status: 204,
    },
    {
      report: 'streamlit/streamlit#8983',
      about: 'an upload of 16 MB of a session that lives elsewhere',
      ...upload,
      body: form.replace('hello', 'x'.repeat(16_000_000)),
      lines: [type, `Cookie: _streamlit_xsrf=${secret}`, `X-Xsrftoken: ${secret}`],
      status: 400,
    },
    {
      report: 'streamlit/streamlit#9719',
      about: 'a file that is taken away again',
      method: 'DELETE',
      target: upload.target,
      lines: [`Cookie: _streamlit_xsrf=${secret}`, `X-Xsrftoken: ${secret}`],
      status: 204,
    },
    {
      report: 'streamlit/streamlit#9719',
      about: 'what asks whether it is well',
      method: 'HEAD',
      target: '/base/_stcore/health',
      status: 200,
    },
    {
      report: 'streamlit/streamlit#10020',
      about: 'a medium that is gone',
      target: '/base/media/0123456789abcdef.mp4',
      lines: ['Range: bytes=0-'],
      status: 404,
    },
    {
      report: 'streamlit/streamlit#16030',
      about: 'a socket of a user whose name is beyond ASCII',
      target: '/base/_stcore/stream',
      lines: [
        ...[...upgrade, `Origin: http://${host}`, 'Sec-WebSocket-Protocol: streamlit, PLACEHOLDER_AUTH_TOKEN'],
        'X-Forwarded-Preferred-Username: M\xc3\xbcller',
      ],
      status: 101,
    },
    {
      report: 'streamlit/streamlit#15492',
      about: 'a socket with a cookie of 7 KB',
      target: '/base/_stcore/stream',
      lines: [
        ...[...upgrade, `Origin: http://${host}`, 'Sec-WebSocket-Protocol: streamlit, PLACEHOLDER_AUTH_TOKEN'],
        `Cookie: _oauth2_proxy=${'c'.repeat(7000)}`,
      ],
      status: 101,
    },
    {
      report: 'streamlit/streamlit#964',
      about: 'a socket of the origin that the page has',
      target: '/base/_stcore/stream',
      lines: [...upgrade, `Origin: http://${host}`, 'Sec-WebSocket-Protocol: streamlit, PLACEHOLDER_AUTH_TOKEN'],
      status: 101,
    },
    {
      report: 'streamlit/streamlit#964',
      about: 'a socket of another origin',
      target: '/base/_stcore/stream',
      lines: [...upgrade, 'Origin: http://elsewhere.test', 'Sec-WebSocket-Protocol: streamlit, PLACEHOLDER_AUTH_TOKEN'],
      status: 403,
    },
  ],
});
