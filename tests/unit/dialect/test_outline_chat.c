/* The outline of a chat completion's request, and of /chat's. In bodies ' stands for ". */
#include "outline_unit.h"

#define MESSAGES(list) "{'model':'m','messages':[" list "]}"

static void check(const outline_row *rows, size_t count) {
    outline_check_rows(DIALECT_OPENAI_CHAT, LOOK_TURNS, rows, count);
}

static void turns_have_roles_and_texts(void **state) {
    (void)state;
    static const outline_row rows[] = {
        {MESSAGES(""), ""},
        {MESSAGES("{'role':'user','content':'hi'}"), "user\n  text says='hi'"},
        {MESSAGES("{'role':'system','content':'a'},{'content':'b','role':'developer'},"
                  "{'role':'assistant','content':'c'},{'role':'user','content':'','name':'bob'}"),
         "system\n  text says='a'\ndeveloper\n  text says='b'\nassistant\n  text says='c'\n"
         "user name='bob'\n  text says=''"},
        {MESSAGES("{'role':'\\u0075ser','cont\\u0065nt':'\\u0048\\ni \\'q\\''}"),
         "user\n  text says='\\u0048\\ni \\'q\\''"},
        {MESSAGES("{'role':'assistant','content':null}"), "assistant"},
        {MESSAGES("{'role':'assistant'}"), "assistant"},
        {MESSAGES("{'role':'user','content':[]}"), "user"},
        {MESSAGES("{'role':'critic','content':'x'}"), "other\n  text says='x'"},
        {MESSAGES("{'content':'x'}"), "other\n  text says='x'"},
        {MESSAGES("{}"), "other"},
    };
    check(rows, ARRAY_LEN(rows));
}

/* Whose message it is may be said last, behind more members than are usual. */
static void members_have_any_order(void **state) {
    (void)state;
    static const outline_row rows[] = {
        {MESSAGES("{'a':1,'content':'r','c':[{'role':'user'}],'d':{},'e':null,'f':6,'g':'x','h':8,"
                  "'i':9,'reasoning':'why','name':'n','tool_call_id':'t','role':'tool'},"
                  "{'content':'q','role':'user'}"),
         "tool name='n'\n  opaque name='a' of=1\n  result says='r' id='t' name='n'\n"
         "  opaque name='c' of=[{'role':'user'}]\n  opaque name='d' of={}\n"
         "  opaque name='f' of=6\n  opaque name='g' of='x'\n  opaque name='h' of=8\n"
         "  opaque name='i' of=9\n  reasoning says='why'\nuser\n  text says='q'"},
        {MESSAGES("{'content':'r','tool_call_id':'t','role':'tool'}"),
         "tool\n  result says='r' id='t'"},
    };
    check(rows, ARRAY_LEN(rows));
}

static void content_has_pieces(void **state) {
    (void)state;
    static const outline_row rows[] = {
        {MESSAGES("{'role':'user','content':[{'type':'text','text':'look'},{'type':'image_url',"
                  "'image_url':{'url':'http://a/b.png','detail':'low'}}]}"),
         "user\n  text says='look' of={'type':'text','text':'look'}\n"
         "  image says='http://a/b.png' of={'type':'image_url','image_url':{'url':"
         "'http://a/b.png','detail':'low'}}"},
        {MESSAGES("{'role':'user','content':[{'type':'image_url','image_url':'u'}]}"),
         "user\n  image says='u' of={'type':'image_url','image_url':'u'}"},
        {MESSAGES("{'role':'user','content':[{'type':'input_audio','input_audio':{'data':'AA==',"
                  "'format':'wav'}}]}"),
         "user\n  audio says='AA==' of={'type':'input_audio','input_audio':{'data':'AA==',"
         "'format':'wav'}}"},
        {MESSAGES("{'role':'user','content':[{'type':'file','file':{'filename':'a.pdf',"
                  "'file_data':'data:x'}},{'type':'file','file':{'file_id':'f1'}}]}"),
         "user\n  file says='data:x' name='a.pdf' of={'type':'file','file':{'filename':'a.pdf',"
         "'file_data':'data:x'}}\n  file says='f1' of={'type':'file','file':{'file_id':'f1'}}"},
        {MESSAGES("{'role':'assistant','content':[{'type':'refusal','refusal':'no'}]}"),
         "assistant\n  refusal says='no' of={'type':'refusal','refusal':'no'}"},
        {MESSAGES("{'role':'user','content':[{'text':'t','type':'text','cache_control':{'type':"
                  "'ephemeral'}}]}"),
         "user\n  text says='t' of={'text':'t','type':'text','cache_control':{'type':"
         "'ephemeral'}}"},
    };
    check(rows, ARRAY_LEN(rows));
}

static void unknown_pieces_are_opaque(void **state) {
    (void)state;
    static const outline_row rows[] = {
        {MESSAGES("{'role':'user','content':[{'type':'video','url':'v'},'bare',7,null,[],{},"
                  "{'type':'text'},{'type':'text','text':7},{'type':['text'],'text':'a'},"
                  "{'text':'untyped'},{'type':'image_url','image_url':{'href':'u'}},"
                  "{'type':'input_audio','input_audio':'AA=='},{'type':'file','file':'f'},"
                  "{'type':'refusal','refusal':null}]}"),
         "user\n  opaque of={'type':'video','url':'v'}\n  opaque of='bare'\n  opaque of=7\n"
         "  opaque of=null\n  opaque of=[]\n  opaque of={}\n  opaque of={'type':'text'}\n"
         "  opaque of={'type':'text','text':7}\n  opaque of={'type':['text'],'text':'a'}\n"
         "  opaque of={'text':'untyped'}\n"
         "  opaque of={'type':'image_url','image_url':{'href':'u'}}\n"
         "  opaque of={'type':'input_audio','input_audio':'AA=='}\n"
         "  opaque of={'type':'file','file':'f'}\n"
         "  opaque of={'type':'refusal','refusal':null}"},
        {MESSAGES("{'role':'user','content':7},{'role':'user','content':{'text':'x'}},"
                  "{'role':'user','content':true}"),
         "user\n  opaque of=7\nuser\n  opaque of={'text':'x'}\nuser\n  opaque of=true"},
    };
    check(rows, ARRAY_LEN(rows));
}

static void tools_are_called(void **state) {
    (void)state;
    static const outline_row rows[] = {
        {MESSAGES("{'role':'assistant','content':'so','tool_calls':[{'id':'c1','type':'function',"
                  "'function':{'name':'f','arguments':'{\\'a\\':1}'}},{'id':'c2','type':'custom',"
                  "'custom':{'name':'g','input':'free'}}]}"),
         "assistant\n  text says='so'\n"
         "  call says='{\\'a\\':1}' id='c1' name='f' of={'id':'c1','type':'function',"
         "'function':{'name':'f','arguments':'{\\'a\\':1}'}}\n"
         "  call says='free' id='c2' name='g' of={'id':'c2','type':'custom','custom':{'name':'g',"
         "'input':'free'}}"},
        {MESSAGES("{'role':'assistant','tool_calls':[{'function':{'name':'f','arguments':'{}'},"
                  "'custom':{'name':'g','input':'free'}}]}"),
         "assistant\n  opaque of={'function':{'name':'f','arguments':'{}'},"
         "'custom':{'name':'g','input':'free'}}"},
        {MESSAGES("{'role':'assistant','tool_calls':[{'function':{'name':'f'}},"
                  "{'function':{'name':'f','arguments':null}}]}"),
         "assistant\n  call name='f' of={'function':{'name':'f'}}\n"
         "  call name='f' of={'function':{'name':'f','arguments':null}}"},
        {MESSAGES("{'role':'assistant','function_call':{'name':'f','arguments':'{}'}}"),
         "assistant\n  call says='{}' name='f' of={'name':'f','arguments':'{}'}"},
        {MESSAGES("{'role':'assistant','tool_calls':[{'id':'c','function':{'arguments':'{}'}},"
                  "{'function':{'name':'f','arguments':{'a':1}}},{'function':{'name':7}},'x',{}],"
                  "'function_call':'f'}"),
         "assistant\n  opaque id='c' of={'id':'c','function':{'arguments':'{}'}}\n"
         "  opaque of={'function':{'name':'f','arguments':{'a':1}}}\n"
         "  opaque of={'function':{'name':7}}\n  opaque of='x'\n  opaque of={}\n"
         "  opaque of='f'"},
        {MESSAGES("{'role':'assistant','tool_calls':{'id':'c'}},"
                  "{'role':'assistant','tool_calls':null,'function_call':null}"),
         "assistant\n  opaque name='tool_calls' of={'id':'c'}\nassistant"},
    };
    check(rows, ARRAY_LEN(rows));
}

static void tools_answer(void **state) {
    (void)state;
    static const outline_row rows[] = {
        {MESSAGES("{'content':'42','role':'tool','tool_call_id':'c1'}"),
         "tool\n  result says='42' id='c1'"},
        {MESSAGES("{'role':'function','name':'f','content':'42'}"),
         "tool name='f'\n  result says='42' name='f'"},
        {MESSAGES("{'role':'tool','tool_call_id':'c1','content':[{'type':'text','text':'a'},"
                  "{'type':'image_url','image_url':{'url':'u'}},{'type':'new'},"
                  "{'type':'text','text':'b'}]}"),
         "tool\n  result says='a' id='c1' of={'type':'text','text':'a'}\n"
         "  image says='u' id='c1' of={'type':'image_url','image_url':{'url':'u'}}\n"
         "  opaque id='c1' of={'type':'new'}\n"
         "  result says='b' id='c1' of={'type':'text','text':'b'}"},
        {MESSAGES("{'role':'function','name':'f','content':[{'type':'text','text':'a'},"
                  "{'type':'image_url','image_url':'u'}]}"),
         "tool name='f'\n  result says='a' name='f' of={'type':'text','text':'a'}\n"
         "  image says='u' of={'type':'image_url','image_url':'u'}"},
        /* A result without words is one all the same. */
        {MESSAGES("{'role':'tool','tool_call_id':'c1','content':null},"
                  "{'role':'tool','tool_call_id':'c2','content':[]},"
                  "{'role':'tool','tool_call_id':'c3'}"),
         "tool\n  result id='c1' of=null\ntool\n  result id='c2' of=[]\ntool"},
        {MESSAGES("{'role':'tool','tool_call_id':7,'content':{'a':1}}"),
         "tool\n  opaque name='tool_call_id' of=7\n  opaque of={'a':1}"},
    };
    check(rows, ARRAY_LEN(rows));
}

static void other_members_say_something_too(void **state) {
    (void)state;
    static const outline_row rows[] = {
        {MESSAGES("{'role':'assistant','reasoning_content':'hm','content':'so','refusal':'no',"
                  "'audio':{'id':'a1'}}"),
         "assistant\n  reasoning says='hm'\n  text says='so'\n  refusal says='no'\n"
         "  audio says='a1' of={'id':'a1'}"},
        {MESSAGES("{'role':'assistant','content':'a','reasoning':'b'}"),
         "assistant\n  text says='a'\n  reasoning says='b'"},
        {MESSAGES("{'role':'assistant','refusal':null,'audio':null,'annotations':[],"
                  "'prefix':true,'none':null}"),
         "assistant\n  opaque name='annotations' of=[]\n  opaque name='prefix' of=true"},
        {MESSAGES("{'role':['user'],'name':7,'refusal':1,'reasoning':{'a':1},'audio':'a'}"),
         "other\n  opaque name='role' of=['user']\n  opaque name='name' of=7\n"
         "  opaque name='refusal' of=1\n  opaque name='reasoning' of={'a':1}\n"
         "  opaque name='audio' of='a'"},
    };
    check(rows, ARRAY_LEN(rows));
}

static void what_is_no_message_is_opaque(void **state) {
    (void)state;
    static const outline_row rows[] = {
        {MESSAGES("'hi',7,null,[{'role':'user'}],{'role':'user','content':'a'}"),
         "other\n  opaque of='hi'\nother\n  opaque of=7\nother\n  opaque of=null\n"
         "other\n  opaque of=[{'role':'user'}]\nuser\n  text says='a'"},
        {"{'messages':'hi'}", "other\n  opaque of='hi'"},
        {"{'messages':{'role':'user'}}", "other\n  opaque of={'role':'user'}"},
        {"{'messages':null}", ""},
        {"{}", ""},
        {"[1]", "other\n  opaque of=[1]"},
        {"'hi'", "other\n  opaque of='hi'"},
        {"null", "other\n  opaque of=null"},
    };
    check(rows, ARRAY_LEN(rows));
}

static void knows_tools(void **state) {
    (void)state;
    static const outline_row rows[] = {
        {"{'tools':[{'type':'function','function':{'name':'f','description':'d','parameters':"
         "{'type':'object'},'strict':true}},{'type':'custom','custom':{'name':'g','description':"
         "'e','format':{'type':'text'}}}]}",
         "tool function name='f' about='d' takes={'type':'object'} strict=true\n"
         "tool custom name='g' about='e' takes={'type':'text'}"},
        {"{'functions':[{'name':'f','description':'d','parameters':{}}]}",
         "tool function name='f' about='d' takes={}"},
        {"{'tools':[{'function':{'name':'f'}},{'type':'function','name':'g'}]}",
         "tool function name='f'\ntool function name='g'"},
        {"{'tools':[{'type':'function','function':{'name':7}},{'type':'web_search','name':'w'},"
         "{'type':7,'function':{'name':'f'}},7,'x',null,{}]}",
         "tool opaque of={'type':'function','function':{'name':7}}\n"
         "tool opaque of={'type':'web_search','name':'w'}\n"
         "tool opaque of={'type':7,'function':{'name':'f'}}\ntool opaque of=7\n"
         "tool opaque of='x'\ntool opaque of=null\ntool opaque of={}"},
        {"{'tools':{'name':'f'}}", "tool opaque of={'name':'f'}"},
        {"{'tools':null,'functions':[]}", ""},
        {"{'tools':[{'type':'function','function':{'name':'f','description':7,'strict':null}}]}",
         "tool function name='f' strict=null"},
    };
    CHECK_ROWS(DIALECT_OPENAI_CHAT, LOOK_TOOLS, rows);
}

static void knows_parameters(void **state) {
    (void)state;
    static const outline_row rows[] = {
        {"{'mod\\u0065l':'m','messages':[],'stream':true,'max_tokens':1,'max_completion_tokens':2,"
         "'temperature':0.5,'top_p':1,'stop':['a'],'n':2,'seed':3,'tools':[],'tool_choice':'auto',"
         "'response_format':{},'reasoning_effort':'low','user':'u','parallel_tool_calls':false,"
         "'stream_options':{},'logit_bias':{},'guided_json':{'a':1},'input':'x','metadata':null,"
         "'x':null}",
         "param model key='mod\\u0065l' is='m'\n"
         "param stream key='stream' is=true\n"
         "param max tokens key='max_tokens' is=1\n"
         "param max tokens key='max_completion_tokens' is=2\n"
         "param temperature key='temperature' is=0.5\n"
         "param top p key='top_p' is=1\n"
         "param stop key='stop' is=['a']\n"
         "param n key='n' is=2\n"
         "param seed key='seed' is=3\n"
         "param tools key='tools' is=[]\n"
         "param tool choice key='tool_choice' is='auto'\n"
         "param format key='response_format' is={}\n"
         "param effort key='reasoning_effort' is='low'\n"
         "param user key='user' is='u'\n"
         "param parallel key='parallel_tool_calls' is=false\n"
         "param stream options key='stream_options' is={}\n"
         "param setting key='logit_bias' is={}\n"
         "param unknown key='guided_json' is={'a':1}\n"
         "param unknown key='input' is='x'"},
        {"{'n':'two','stream':[7]}", "param n key='n' is='two'\nparam stream key='stream' is=[7]"},
    };
    CHECK_ROWS(DIALECT_OPENAI_CHAT, LOOK_PARAMS, rows);
}

static void visits_every_text(void **state) {
    (void)state;
    static const outline_row rows[] = {
        {"{'tools':[{'type':'function','function':{'name':'f','description':'d','parameters':"
         "{'type':'object','properties':{'p':{'description':'q','enum':['r','s']}}}}},"
         "{'type':'mcp','url':'u'}],"
         "'response_format':{'type':'json_schema','json_schema':{'name':'n'}},'user':'bob',"
         "'metadata':{'a':'b'},'stop':'s','documents':[{'text':'t'}],'prediction':{'content':'c'},"
         "'messages':[{'role':'user','name':'bob','content':[{'type':'text','text':'t1'},"
         "{'type':'image_url','image_url':'i'},{'type':'new','k':'v'}]},"
         "{'role':'assistant','reasoning_content':'t2','refusal':'t3','tool_calls':[{'id':'c',"
         "'function':{'name':'f','arguments':'t4'}},{'function':{'name':'f'}}]},"
         "{'role':'tool','tool_call_id':'c','content':'t5'},{'role':'tool','content':null}]}",
         " part='t1' opaque='new' opaque='v' part='t2' part='t3' part='t4' part='t5'"
         " about='d' schema='object' schema='q' schema='r' schema='s'"
         " schema='mcp' schema='u'"
         " param='json_schema' param='n' param='t' param='c'"},
        {MESSAGES(""), ""},
    };
    CHECK_ROWS(DIALECT_OPENAI_CHAT, LOOK_TEXTS, rows);
}

static void reads_the_body_of_chat(void **state) {
    (void)state;
    static const outline_row turns[] = {
        {"{'message':' hi '}", "user\n  text says=' hi '"},
        {"{'message':7}", "user\n  opaque of=7"},
        {"{'message':null}", ""},
        {"{'messages':[{'role':'user','content':'a'}]}", ""},
        {"[]", "other\n  opaque of=[]"},
    };
    static const outline_row params[] = {
        {"{'model':'m','message':'hi','max_tokens':1,'temperature':0,'stream':true,'mesage':1}",
         "param model key='model' is='m'\nparam max tokens key='max_tokens' is=1\n"
         "param temperature key='temperature' is=0\nparam stream key='stream' is=true\n"
         "param unknown key='mesage' is=1"},
    };
    CHECK_ROWS(DIALECT_WEIR_CHAT, LOOK_TURNS, turns);
    CHECK_ROWS(DIALECT_WEIR_CHAT, LOOK_PARAMS, params);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(turns_have_roles_and_texts),
        cmocka_unit_test(members_have_any_order),
        cmocka_unit_test(content_has_pieces),
        cmocka_unit_test(unknown_pieces_are_opaque),
        cmocka_unit_test(tools_are_called),
        cmocka_unit_test(tools_answer),
        cmocka_unit_test(other_members_say_something_too),
        cmocka_unit_test(what_is_no_message_is_opaque),
        cmocka_unit_test(knows_tools),
        cmocka_unit_test(knows_parameters),
        cmocka_unit_test(visits_every_text),
        cmocka_unit_test(reads_the_body_of_chat),
    };
    return run_watched(tests);
}
