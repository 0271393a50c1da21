"""Writes packages/tokenizer/test/fixtures/chat-templates.json: what Hugging Face's transformers makes of chats. From the
repository's root:

python3 -m venv ../venv && ../venv/bin/pip install transformers==5.23.0 jinja2==3.1.6
../venv/bin/python tools/reference/chat_templates.py
"""

import datetime
import json
from pathlib import Path

from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import PreTrainedTokenizerFast
from transformers.utils import chat_template_utils

FIXTURE = Path("packages/tokenizer/test/fixtures/chat-templates.json")

NOW = datetime.datetime(2024, 7, 4, 9, 5, 3)


class Clock(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return NOW


chat_template_utils.datetime = Clock

# Written for these tests, in the styles of published templates.
TEMPLATES = {
    "instructions": """{% if messages[0]['role'] == 'system' %}{% set rest = messages[1:] %}{% set system = messages[0]['content'] %}{% else %}{% set rest = messages %}{% set system = false %}{% endif %}
{%- for message in rest %}
    {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
        {{- raise_exception('Roles must alternate: user, assistant, user, assistant') }}
    {%- endif %}
    {%- if loop.index0 == 0 and system is not false %}
        {%- set content = '<<SYS>>\\n' + system + '\\n<</SYS>>\\n\\n' + message['content'] %}
    {%- else %}
        {%- set content = message['content'] %}
    {%- endif %}
    {%- if message['role'] == 'user' %}
        {{- bos_token + '[INST] ' + content.strip() + ' [/INST]' }}
    {%- elif message['role'] == 'assistant' %}
        {{- ' ' + content.strip() + ' ' + eos_token }}
    {%- endif %}
{%- endfor %}""",
    "markup": """{% for message in messages %}
{{ '<|im_start|>' + message.role + '\\n' + message.content | trim + '<|im_end|>' }}
{% endfor %}
{% if add_generation_prompt %}
{{ '<|im_start|>assistant\\n' }}
{%- endif %}
""",
    "untrimmed": """{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}<|end|>
{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}""",
    "tools": """{{- bos_token }}
{%- set ns = namespace(last_user=-1, calls=0) %}
{%- for message in messages %}
    {%- if message.role == 'user' %}{% set ns.last_user = loop.index0 %}{% endif %}
{%- endfor %}
{%- for message in messages %}
    {%- if message.role == 'user' %}
        {%- if tools is not none and loop.index0 == ns.last_user %}
            {{- '[AVAILABLE_TOOLS] ' + (tools | tojson) + '[/AVAILABLE_TOOLS]' }}
        {%- endif %}
        {{- '[INST] ' + message.content + '[/INST]' }}
    {%- elif message.tool_calls is defined and message.tool_calls %}
        {{- '[TOOL_CALLS] [' }}
        {%- for call in message.tool_calls %}
            {%- set ns.calls = ns.calls + 1 %}
            {%- set made = call.function if call.function is defined else call %}
            {{- '{"name": "' + made.name + '", "arguments": ' + (made.arguments if made.arguments is string else made.arguments | tojson) + '}' }}
            {{- ', ' if not loop.last else ']' + eos_token }}
        {%- endfor %}
    {%- elif message.role == 'assistant' %}
        {{- ' ' + message.content + eos_token }}
    {%- elif message.role in ['tool', 'tool_results'] %}
        {{- '[TOOL_RESULTS] {"content": ' + message.content | string + ', "call_id": "' + message.get('tool_call_id', 'none') + '"}[/TOOL_RESULTS]' }}
    {%- else %}
        {{- raise_exception('Unexpected role: ' ~ message.role) }}
    {%- endif %}
{%- endfor %}
{{- '<!-- ' ~ ns.calls ~ ' calls -->' if ns.calls }}""",
    "headers": """{%- macro header(role) -%}<|start_header_id|>{{ role }}<|end_header_id|>

{% endmacro -%}
{{- bos_token -}}
{%- if date_string is not defined %}{% set date_string = strftime_now('%d %b %Y') %}{% endif -%}
{{- header('system') }}Cutting Knowledge Date: December 2023
Today Date: {{ date_string }} ({{ strftime_now('%A, %B %-d, %H:%M:%S %p, day %j') }})
{% if documents %}
{% for document in documents %}
[{{ loop.index }}/{{ loop.length }}] {{ document.title | upper }}: {{ document['text'] | replace('\\n', ' ') }}
{% endfor %}
{% endif %}
{%- if tools %}
Functions:
{{ tools | tojson(indent=2) }}
{% endif %}
<|eot_id|>
{%- for message in messages if message.role != 'system' %}
{{- header(message.role) }}
    {%- if message.content is string %}{{ message.content | trim }}
    {%- else %}
        {%- for part in message.content %}
            {%- if part.type == 'image' %}<|image|>{% else %}{{ part.text }}{% endif %}
        {%- endfor %}
    {%- endif %}<|eot_id|>
{%- endfor %}
{%- if add_generation_prompt %}
{{- header('assistant') }}
{%- endif %}""",
    "thoughts": """{%- set ns = namespace(found=false, last=messages|length - 1) %}
{%- for message in messages[::-1] %}
    {%- set index = messages|length - 1 - loop.index0 %}
    {%- if not ns.found and message.role == 'user' %}
        {%- set ns.found = true %}
        {%- set ns.last = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- set content = message.content %}
    {%- if message.role == 'assistant' and '</think>' in content %}
        {%- set thought = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}
        {%- set content = content.split('</think>')[-1].lstrip('\\n') %}
        {%- if loop.index0 > ns.last %}
            {%- set content = '<think>\\n' ~ thought ~ '\\n</think>\\n\\n' ~ content %}
        {%- endif %}
    {%- endif %}
    {%- if loop.first and message.role not in ('system', 'user') %}{{ raise_exception('Begin with a user') }}{% endif %}
    {{- '<|' ~ message.role ~ '|>' ~ content ~ ('' if loop.last and message.role == 'assistant' else '<|end|>\\n') }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|assistant|>' }}
    {%- if enable_thinking is defined and enable_thinking is false %}{{ '<think>\\n\\n</think>\\n\\n' }}{% endif %}
{%- endif %}""",
    "generation": """{% for message in messages %}
{%- if message.role == 'assistant' %}
{%- generation %}{{ message.content }}{{ eos_token }}{%- endgeneration %}
{%- else %}
{{- message.role | capitalize }}: {{ message.content }}
{% endif %}
{%- endfor %}""",
}

SYSTEM = {"role": "system", "content": "You are a helpful assistant."}
USER = {"role": "user", "content": "  What is 2 + 2? "}
ANSWER = {"role": "assistant", "content": "It is 4.\n"}
MORE = {"role": "user", "content": "And “中文” <b>&</b> 👍?"}
THOUGHT = {"role": "assistant", "content": "<think>\nTwo and two\nmake four.\n</think>\n\nFour."}
CALL = {
    "role": "assistant",
    "content": None,
    "tool_calls": [
        {"type": "function", "function": {"name": "weather", "arguments": {"city": "Köln", "days": 2, "exact": True}}},
        {"name": "add", "arguments": "{\"a\": 1.5}"},
    ],
}
RESULT = {"role": "tool", "content": 22, "tool_call_id": "abc123"}
PARTS = {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "What is this?"}]}
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "weather",
            "description": "Tells the weather <now>, \"quoted\"",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        },
    }
]
DOCUMENTS = [{"title": "First", "text": "one\ntwo"}, {"title": "Zweites", "text": "drei"}]

CHATS = {
    "one question": [USER],
    "an answer": [USER, ANSWER],
    "system and more": [SYSTEM, USER, ANSWER, MORE],
    "thoughts": [USER, THOUGHT, MORE, THOUGHT],
    "two users": [USER, MORE],
    "assistant first": [ANSWER, USER],
}

CASES = [
    (template, chat, options)
    for template in ["instructions", "markup", "untrimmed", "thoughts", "generation"]
    for chat in CHATS
    for options in [{}, {"add_generation_prompt": True}, {"continue_final_message": True}]
]
CASES += [
    ("tools", [USER, CALL, RESULT, ANSWER, MORE], {"tools": TOOLS}),
    ("tools", [USER, CALL, RESULT], {}),
    ("tools", [SYSTEM, USER], {"tools": TOOLS}),
    ("headers", [USER], {"add_generation_prompt": True}),
    ("headers", [SYSTEM, PARTS, ANSWER], {"documents": DOCUMENTS}),
    ("headers", [PARTS], {"tools": TOOLS, "documents": DOCUMENTS, "add_generation_prompt": True}),
    ("headers", [PARTS], {"continue_final_message": True}),
    ("headers", [USER], {"date_string": "26 Jul 2024"}),
    ("thoughts", [USER], {"add_generation_prompt": True, "enable_thinking": False}),
    ("markup", [], {}),
    ("markup", [USER], {"add_generation_prompt": True, "continue_final_message": True}),
]


def main():
    inner = Tokenizer(WordLevel({"<unk>": 0, "<s>": 1, "</s>": 2}, unk_token="<unk>"))
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, bos_token="<s>", eos_token="</s>", unk_token="<unk>")
    results = []
    for template, chat, options in CASES:
        messages = CHATS[chat] if isinstance(chat, str) else chat
        case = {"template": template, "messages": messages, "options": options}
        try:
            case["text"] = tokenizer.apply_chat_template(
                messages, chat_template=TEMPLATES[template], tokenize=False, **options
            )
        except Exception as error:
            case["error"] = str(error)
        results.append(case)
    fixture = {
        "now": NOW.isoformat(),
        "specialTokens": {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"},
        "templates": TEMPLATES,
        "cases": results,
    }
    FIXTURE.write_text(json.dumps(fixture, ensure_ascii=False, indent=1) + "\n")
    print(len(results), "cases,", sum("error" in case for case in results), "errors")


main()
